extension OperatorPolicy {
    /// Merges what a worker requests with what the operator grants.
    ///
    /// - Throws: ``PolicyRefusal`` with everything requested and not granted.
    package func decide(
        _ request: SandboxRequest, worker: String, protected: ProtectedPaths
    ) throws(PolicyRefusal) -> EffectivePolicy {
        var decision = PolicyDecision(worker: worker, grants: self.grants(for: worker), protected: protected)
        let policy = decision.decide(request)
        guard decision.items.isEmpty else { throw PolicyRefusal(worker: worker, items: decision.items) }
        return policy
    }
}
