package import ControlAPI
import Cryptography
import Identity
import Logging
import Market
import Mesh
import Storage
import Wire

/// Subscriptions of this agent's key (Specs/subscription.md).
extension Agent {
    package func subscribe(_ request: WorkerReference) async throws(ControlError) -> SubscriptionSummary {
        let worker = try self.resolve(request.worker)
        return try await self.exclusively("subscription \(worker)") { agent async throws(ControlError) in
            if let kept = agent.ownSubscriptions[worker],
                kept.isActive(unixMilliseconds: agent.now)
            {
                return agent.summary(of: kept)
            }
            guard await agent.newestDescriptor(of: worker) != nil else { throw .noSuchWorker(worker.description) }
            do {
                let subscription = try Subscription(
                    consumer: agent.peerID, worker: worker, nonce: SecureRandom.bytes(Subscription.nonceBytes),
                    issued: agent.now, start: agent.now)
                let record = try SignedSubscription(signing: subscription, with: agent.key)
                try await agent.keep(record)
                agent.inBackground { await $0.deliver(record) }
            } catch let error as StorageError {
                throw ControlError(error)
            } catch {
                throw ControlError(.internal, "\(error)")
            }
            return try agent.summaryOfSubscription(to: worker)
        }
    }

    package func unsubscribe(_ request: WorkerReference) async throws(ControlError) -> SubscriptionSummary {
        let worker = try self.resolve(request.worker)
        return try await self.exclusively("subscription \(worker)") { agent async throws(ControlError) in
            guard let kept = agent.ownSubscriptions[worker],
                kept.isActive(unixMilliseconds: agent.now)
            else {
                throw ControlError(
                    .notFound, "there is no subscription to \(worker)", hint: "`dsmp subs` lists those that are")
            }
            do {
                let cancelled = kept.cancelled(issued: agent.now)
                let record = try SignedSubscription(signing: cancelled, with: agent.key)
                try await agent.keep(record)
                agent.inBackground { await $0.deliver(record) }
            } catch let error as StorageError {
                throw ControlError(error)
            } catch {
                throw ControlError(.internal, "\(error)")
            }
            return try agent.summaryOfSubscription(to: worker)
        }
    }

    package func subscriptions() async throws(ControlError) -> [SubscriptionSummary] {
        self.ownSubscriptions.values.filter { $0.isActive(unixMilliseconds: self.now) }
            .sorted { $0.worker < $1.worker }.map { self.summary(of: $0) }
    }

    /// Brings subscriptions that no publisher has countersigned yet to their publishers.
    func deliverSubscriptions() async {
        guard let kept = try? await self.store.subscriptions(of: self.peerID.description) else { return }
        for stored in kept where stored.receipt == nil {
            guard let record = try? SignedSubscription(verifying: stored.envelope) else { continue }
            await self.deliver(record)
        }
    }

    /// Brings a subscription to its publisher and keeps the receipt. The publisher may be away: then again later.
    private func deliver(_ record: SignedSubscription) async {
        let worker = record.subscription.worker
        var receipt: [UInt8]?
        if worker.publisher == self.peerID {
            receipt = try? await self.accept(record)
        } else {
            let proof = self.memberships[worker]?.proof(for: worker, caller: self.peerID, host: worker.publisher) ?? []
            let query = SubscribeQuery(record: record, proof: proof)
            do {
                let answer = try await self.ask(
                    worker.publisher, MeshProtocol.subscribe, query.payload, limit: SubscribeAnswer.maximumBytes)
                guard case .accepted(let envelope) = try SubscribeAnswer(payload: answer) else { return }
                receipt = try SubscriptionReceipt(verifying: envelope, for: record).envelope
            } catch {
                return self.logger.debug("a subscription was not delivered: \(error)")
            }
        }
        guard let receipt else { return }
        do throws(StorageError) {
            // Unless the record was replaced meanwhile.
            let isLatest = try await self.store.subscriptions(of: self.peerID.description).contains {
                $0.envelope == record.envelope
            }
            if isLatest { try await self.store.keepSubscription(StoredSubscription(record, receipt: receipt)) }
        } catch {
            self.logger.error("a receipt could not be kept: \(error)")
        }
    }

    private func keep(_ record: SignedSubscription) async throws(StorageError) {
        try await self.store.keepSubscription(StoredSubscription(record, receipt: nil))
        self.ownSubscriptions[record.subscription.worker] = record.subscription
    }

    private func summaryOfSubscription(to worker: WorkerName) throws(ControlError) -> SubscriptionSummary {
        guard let kept = self.ownSubscriptions[worker] else { throw .noSuchWorker(worker.description) }
        return self.summary(of: kept)
    }

    private func summary(of subscription: Subscription) -> SubscriptionSummary {
        SubscriptionSummary(
            worker: subscription.worker.description, publisher: subscription.worker.publisher.description,
            visibility: self.isPrivate(subscription.worker) ? .private : .public,
            sinceUnixMilliseconds: subscription.start,
            expiresUnixMilliseconds: subscription.end == 0 ? nil : subscription.end)
    }

    // MARK: As the publisher

    /// The most subscriptions to one worker that are kept.
    static let maximumSubscriptions = 10_000

    /// Keeps a consumer's subscription to a worker of this agent and countersigns it. The same record again has the same
    /// result.
    ///
    /// - Throws: ``SubscriptionRefusal``.
    func accept(_ record: SignedSubscription) async throws(SubscriptionRefusal) -> [UInt8] {
        let subscription = record.subscription
        let worker = subscription.worker
        do {
            let kept = try await self.store.subscriptions(of: subscription.consumer.description).first {
                $0.worker == worker.description && $0.nonce == subscription.nonce
            }
            if let kept {
                let old = try SignedSubscription(verifying: kept.envelope)
                if old == record, let receipt = kept.receipt { return receipt }
                if old != record { try subscription.checkReplaces(old.subscription) }
            } else if try await self.store.subscriptionCount(to: worker.description) >= Self.maximumSubscriptions {
                throw SubscriptionRefusal.tooMany
            }
            let receipt = try SubscriptionReceipt(accepting: record, issued: self.now, with: self.key)
            try await self.store.keepSubscription(StoredSubscription(record, receipt: receipt.envelope))
            return receipt.envelope
        } catch let refusal as SubscriptionRefusal {
            throw refusal
        } catch {
            throw .invalid
        }
    }
}

/// Why a publisher does not take a subscription.
enum SubscriptionRefusal: Error {
    case invalid, tooMany
}

extension StoredSubscription {
    init(_ record: SignedSubscription, receipt: [UInt8]?) {
        let subscription = record.subscription
        self.init(
            consumer: subscription.consumer.description, worker: subscription.worker.description,
            nonce: subscription.nonce, sequence: subscription.sequence, envelope: record.envelope, receipt: receipt,
            isCancelled: subscription.isCancelled)
    }
}
