import ControlAPI
import Hosting
import Identity
import Libuv
import Logging
import Mesh
import Storage

/// Renewing what expires, and ending.
extension Agent {
    /// Announces everything, then looks again and again at what has to be renewed.
    func beginMaintenance() {
        self.maintenance = Task(executorPreference: self.loop.taskExecutor) { [weak self, loop, configuration] in
            await self?.announceAll()
            while (try? await loop.sleep(milliseconds: configuration.times.maintenance)) != nil {
                guard let self else { return }
                await self.maintain()
            }
        }
    }

    private func announceAll() async {
        await self.announceNode()
        for name in self.own.keys.sorted() {
            guard !self.isStopping, let own = self.own[name] else { continue }
            await self.announce(own)
            self.offer(own.hostGrants(validAt: self.now), of: own)
        }
        for worker in self.guests.keys.sorted() {
            guard !self.isStopping, let guest = self.guests[worker] else { continue }
            await self.announce(guest)
        }
        self.nodeAnnounced = self.now
        await self.deliverSubscriptions()
        await self.checkGuests()
    }

    /// One round. Level-triggered: it looks at what is, not at what happened since.
    package func maintain() async {
        guard !self.isStopping else { return }
        let lifetime = self.configuration.times.descriptorLifetime
        for name in self.own.keys.sorted() {
            guard let own = self.own[name], own.descriptor.content.issued + lifetime / 3 <= self.now else { continue }
            await self.renew(own.worker)
        }
        if self.nodeAnnounced + lifetime / 3 <= self.now {
            self.nodeAnnounced = self.now
            await self.announceNode()
        }
        await self.deliverSubscriptions()
        let now = self.loop.nowMilliseconds
        guard now >= self.slotsCheckedMilliseconds + self.configuration.times.slotCheck else { return }
        self.slotsCheckedMilliseconds = now
        await self.checkGuests()
    }

    /// Signs the descriptor of a published worker anew and announces it.
    private func renew(_ worker: WorkerName) async {
        await self.exclusively(worker.description) { agent async in
            guard var own = agent.own[worker.name] else { return }
            do throws(ControlError) {
                (own.descriptor, own.grant) = try await agent.sign(own.descriptor.content)
                try await agent.keep(own)
                agent.own[worker.name] = own
            } catch {
                return agent.logger.error("\(agent.logName(of: worker)) could not be renewed: \(error)")
            }
            await agent.announce(own)
        }
    }

    /// Ends the agent: withdraws what nobody else hosts, stops every worker, closes the network and what is kept. A second
    /// call returns when the first has.
    package func stop() async {
        guard !self.isStopping else { return await self.stopped.wait() }
        self.isStopping = true
        self.maintenance?.cancel()
        for task in self.background.values { task.cancel() }
        await self.withdrawBeforeStop()
        await self.workerHost.shutdown()
        await self.network.stop()
        do {
            try self.store.close()
        } catch {
            self.logger.error("the store was not closed: \(error)")
        }
        self.folder.release()
        await self.stopped.open()
    }

    /// Workers that only this agent hosts are withdrawn; the others go on without it. Bounded in time: what nobody hears
    /// expires by itself.
    private func withdrawBeforeStop() async {
        let alone = self.own.values.filter { $0.hostGrants(validAt: self.now).isEmpty }.sorted { $0.worker < $1.worker }
        guard !alone.isEmpty else { return }
        let loop = self.loop
        let limit = self.configuration.times.withdrawal
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for own in alone {
                    guard !Task.isCancelled else { return }
                    await self.withdrawForNow(own)
                }
            }
            group.addTask { _ = try? await loop.sleep(milliseconds: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    private func withdrawForNow(_ own: OwnWorker) async {
        guard let sequence = try? await self.nextSequence("descriptor/\(own.worker.name)") else { return }
        await self.withdraw(own, sequence: sequence)
    }
}
