package import ControlAPI
import Hosting
import Identity
import Libuv
package import Mesh
import Wire

/// Calls that this agent makes for its operator.
extension Agent {
    package func call(_ request: CallRequest) async throws(ControlError) -> any CallExchange {
        let worker = try self.resolve(request.worker)
        let header = try self.header(request, worker)
        self.counters.made += 1
        do throws(CallFailure) {
            return try await self.open(header)
        } catch {
            self.counters.madeFailed += 1
            throw ControlError(error)
        }
    }

    private func header(_ request: CallRequest, _ worker: WorkerName) throws(ControlError) -> CallHeader {
        guard WorkerText.isMethod(request.method) else {
            throw ControlError(
                .usage, "\"\(request.method.prefix(80))\" is no name of a method",
                hint: "see the methods with `dsmp worker show`")
        }
        guard request.idempotencyKey.count <= CallLimits.idempotencyKeyBytes else {
            throw ControlError(.usage, "an idempotency key has at most \(CallLimits.idempotencyKeyBytes) bytes")
        }
        guard WorkerText.isPrintable(request.traceParent, limit: CallLimits.traceParentBytes) else {
            throw ControlError(.usage, "the traceparent is not one of W3C trace context")
        }
        return CallHeader(
            worker: worker, method: request.method,
            deadlineMilliseconds: min(request.deadlineMilliseconds, CallLimits.deadlineMilliseconds),
            idempotencyKey: request.idempotencyKey, traceParent: request.traceParent)
    }

    /// Opens a call here when the worker runs here, else at a host of it.
    private func open(_ header: CallHeader) async throws(CallFailure) -> any CallExchange {
        var local: CallFailure?
        if self.entry(of: header.worker) != nil {
            do throws(CallFailure) {
                return try await self.workerHost.open(header)
            } catch {
                guard error.mayRetryElsewhere else { throw error }
                local = error
            }
        }
        let call = FailoverCall(header, by: self)
        do throws(CallFailure) {
            try await call.open()
            return call
        } catch {
            throw local ?? error
        }
    }

    /// Opens a call at the best host that was not tried.
    ///
    /// - Throws: ``CallStatus/notFound`` when there is no such worker that this agent may know of,
    ///   ``CallStatus/unavailable`` when no host of it is left.
    func nextAttempt(_ header: CallHeader, excluding tried: [PeerID]) async throws(CallFailure) -> CallAttempt {
        var tried = tried
        var last: CallFailure?
        var hasLookedAgain = false
        while tried.count < Self.maximumTriedHosts {
            let candidates = await self.candidates(for: header.worker)
            guard
                let choice = self.selector.choose(
                    from: candidates, excluding: tried, nowMilliseconds: self.loop.nowMilliseconds,
                    random: self.random())
            else {
                // What is known may be old: the hosts may have changed since they were looked for.
                guard !hasLookedAgain else { break }
                hasLookedAgain = true
                self.known.forgetDiscovery(of: header.worker)
                continue
            }
            self.selector.onStarted(choice.host)
            do throws(CallFailure) {
                return CallAttempt(host: choice.host, exchange: try await self.open(header, at: choice.host))
            } catch {
                self.onAttemptEnded(at: choice.host, error, latencyMicroseconds: 0)
                tried.append(choice.host)
                last = error
            }
        }
        if let last { throw last }
        guard tried.isEmpty, self.known[header.worker]?.descriptor == nil else {
            throw CallFailure(
                .unavailable, "no host of the worker can be reached now", mayRetryElsewhere: true)
        }
        throw CallFailure(.notFound, "there is no worker \(header.worker)")
    }

    /// The most hosts that one call tries.
    private static let maximumTriedHosts = 16

    private func open(_ header: CallHeader, at host: PeerID) async throws(CallFailure) -> any CallExchange {
        var header = header
        if let secret = self.memberships[header.worker] {
            header.proof = secret.proof(for: header.worker, caller: self.peerID, host: host)
        } else if let secret = self.own[header.worker.name]?.group?.secret, header.worker.publisher == self.peerID {
            header.proof = secret.proof(for: header.worker, caller: self.peerID, host: host)
        }
        let method = self.known[header.worker]?.descriptor?.content.method(named: header.method)
        let isRepeatable = method?.isIdempotent == true || !header.idempotencyKey.isEmpty
        return try await RemoteCall.open(
            header, at: host, over: self.network, on: self.loop, isRepeatable: isRepeatable)
    }

    /// Looks into the slot of a private worker again. Returns whether there is a newer secret than before.
    func renewSecret(of worker: WorkerName) async -> Bool {
        guard let before = self.memberships[worker] else { return false }
        await self.readSlot(of: worker)
        return self.memberships[worker] != nil && self.memberships[worker] != before
    }

    /// Takes in how an attempt at a host went.
    func onAttemptEnded(at host: PeerID, _ failure: CallFailure?, latencyMicroseconds: UInt64) {
        switch failure?.code {
        case nil, .ok, .failed, .invalidArgument, .noSuchMethod, .refused:
            self.selector.onSucceeded(host, latencyMicroseconds: latencyMicroseconds)
        case .cancelled, .deadlineExceeded: self.selector.onAbandoned(host)
        case .notFound, .resourceExhausted, .internal, .unavailable:
            self.selector.onFailed(
                host, retryAfterMilliseconds: failure?.retryAfterMilliseconds ?? 0,
                nowMilliseconds: self.loop.nowMilliseconds, random: self.random())
        }
    }

    /// Takes in that a call that was opened did not end well.
    func onCallFailed() { self.counters.madeFailed += 1 }
}
