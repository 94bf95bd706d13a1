import ControlAPI
import Identity
import Market
import Mesh
import Wire

/// What a person may call a worker (Specs/naming.md, section 2).
extension Agent {
    /// The worker that a full or bare name means.
    ///
    /// - Throws: ``ControlErrorCode/notFound`` for a bare name of nothing known here, ``ControlErrorCode/usage`` when
    ///   several have it. The mesh is never asked: a stranger's worker must not get a name of ours.
    func resolve(_ text: String) throws(ControlError) -> WorkerName {
        guard !text.hasPrefix(WorkerName.scheme) else { return try self.fullName(text) }
        guard WorkerName.isName(text) else {
            throw ControlError(
                .usage, "\"\(text.prefix(80))\" is no name of a worker",
                hint: "use the full name, dsmp://PUBLISHER/NAME, or the bare name of a local worker or a subscription")
        }
        let subscribed = self.ownSubscriptions.values.filter { $0.isActive(unixMilliseconds: self.now) }
        let candidates = Set(self.localWorkers + subscribed.map(\.worker)).filter { $0.name == text }
            .sorted()
        guard let only = candidates.first else {
            throw ControlError(
                .notFound, "no worker here and no subscription is called \(text)",
                hint: "find it with `dsmp find \(text)`, then use its full name or subscribe to it")
        }
        guard candidates.count == 1 else {
            throw ControlError(
                .usage, "\(candidates.count) workers are called \(text)",
                hint: "use one of " + candidates.map(\.description).joined(separator: ", "))
        }
        return only
    }

    /// The worker of a full name.
    func fullName(_ text: String) throws(ControlError) -> WorkerName {
        do { return try WorkerName(text) } catch {
            throw ControlError(
                .usage, "\"\(text.prefix(120))\" is no full name of a worker: \(error)",
                hint: "a full name is dsmp://PUBLISHER/NAME; `dsmp find` prints them")
        }
    }
}
