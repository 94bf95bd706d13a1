import CLibuv

/// Tells when a descriptor that libuv does not wrap, such as a pidfd, can be used (`uv_poll_t`, level-triggered).
@safe package final class DescriptorPoller: LoopHandle {
    /// What a descriptor is ready for.
    package struct Events: OptionSet, Sendable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        package static let readable = Events(rawValue: 1)
        package static let writable = Events(rawValue: 2)
        package static let disconnected = Events(rawValue: 4)
    }

    private var handler: ((Result<Events, LibuvError>) -> Void)?

    /// Polls a descriptor that the caller keeps open until after ``close()``. libuv makes it non-blocking. One poller a
    /// descriptor.
    package init(descriptor: Int32, on loop: EventLoop) throws(LibuvError) {
        unsafe try super.init(on: loop, UV_POLL, for: "poll descriptor \(descriptor)") { loop, memory in
            unsafe uv_poll_init(loop, memory.assumingMemoryBound(to: uv_poll_t.self), descriptor)
        }
    }

    /// Polls a descriptor and closes it together with the poller.
    package convenience init(adopting descriptor: consuming OwnedDescriptor, on loop: EventLoop) throws(LibuvError) {
        try self.init(descriptor: descriptor.number, on: loop)
        self.core.ownedDescriptor = descriptor.release()
    }

    /// Calls the handler on the loop's thread whenever one of the events holds, until ``stop()`` or ``close()``.
    package func start(_ events: Events, handler: @escaping (Result<Events, LibuvError>) -> Void) throws(LibuvError) {
        self.loop.preconditionIsCurrent()
        guard let poll = unsafe self.pointer(as: uv_poll_t.self) else {
            throw LibuvError(.cancelled, "poll with a closed handle")
        }
        self.handler = handler
        let status = unsafe uv_poll_start(poll, events.rawValue) { handle, status, events in
            guard let handle = unsafe handle, let poller = unsafe DescriptorPoller.owner(of: handle) else { return }
            poller.handler?(
                status == 0
                    ? .success(Events(rawValue: events)) : .failure(LibuvError(status: status, "poll a descriptor")))
        }
        guard status == 0 else { throw LibuvError(status: status, "poll a descriptor") }
    }

    /// Stops polling; ``start(_:handler:)`` begins again.
    package func stop() {
        self.loop.preconditionIsCurrent()
        guard let poll = unsafe self.pointer(as: uv_poll_t.self) else { return }
        unsafe uv_poll_stop(poll)
        self.handler = nil
    }

    override func didClose() { self.handler = nil }
}
