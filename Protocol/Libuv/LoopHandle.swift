import CLibuv
import Glibc
import Synchronization

/// What a libuv handle's `data` points to: it outlives the Swift object until libuv has closed the handle.
///
/// Safety: used on the loop's thread only; another thread may drop the owner (a weak reference is safe against that) and
/// then hands the core over through ``EventLoop/perform(_:)``.
@safe final class HandleCore: @unchecked Sendable {
    let loop: EventLoop
    weak var owner: LoopHandle?
    /// The handle's memory; nil once closing has begun.
    private(set) var memory: UnsafeMutableRawPointer?
    /// A descriptor that is closed together with the handle, never before it; -1 for none.
    var ownedDescriptor: Int32 = -1
    /// False for a child process: its handle stays until the child is reaped, or a zombie would be left.
    var closesWithOwner = true

    init(loop: EventLoop, memory: UnsafeMutableRawPointer) {
        self.loop = loop
        unsafe self.memory = memory
    }

    static func of(_ handle: UnsafeMutablePointer<uv_handle_t>) -> HandleCore? {
        guard let data = unsafe uv_handle_get_data(handle) else { return nil }
        return unsafe Unmanaged<HandleCore>.fromOpaque(data).takeUnretainedValue()
    }

    /// Starts closing, once; the close callback frees the memory (`uv_close`).
    func close() {
        guard let memory = unsafe self.memory else { return }
        unsafe self.memory = nil
        let handle = unsafe memory.assumingMemoryBound(to: uv_handle_t.self)
        unsafe uv_close(handle) { handle in
            guard let handle = unsafe handle, let data = unsafe uv_handle_get_data(handle) else { return }
            let core = unsafe Unmanaged<HandleCore>.fromOpaque(data).takeRetainedValue()
            unsafe UnsafeMutableRawPointer(handle).deallocate()
            core.loop.openHandleCount.subtract(1, ordering: .relaxed)
        }
        if self.ownedDescriptor >= 0 {
            _ = Glibc.close(self.ownedDescriptor)  // libuv has stopped polling it.
            self.ownedDescriptor = -1
        }
    }

    /// The loop ends: the owner tells whoever waits, and closes.
    func loopStops() {
        self.owner?.loopStops()
        self.close()
    }
}

/// A libuv handle: one owner, used on its loop's thread only, closed by ``close()`` or when the owner drops it.
///
/// Not `Sendable`: it belongs to an actor of the loop, and its callbacks run on that actor's executor. Memory is freed in
/// libuv's close callback. Dropping the last reference on another thread is allowed and closes the handle a moment later.
@safe package class LoopHandle {
    /// The loop whose thread uses this handle.
    package final let loop: EventLoop
    final let core: HandleCore

    /// Allocates and initialises the handle.
    ///
    /// - Throws: `ECANCELED` when the loop is stopping, otherwise what libuv says.
    init(
        on loop: EventLoop, _ kind: uv_handle_type, for operation: @autoclosure () -> String,
        _ initialise: (UnsafeMutablePointer<uv_loop_t>, UnsafeMutableRawPointer) -> Int32
    ) throws(LibuvError) {
        loop.preconditionIsCurrent()
        guard let cLoop = unsafe loop.confined.loop, !loop.confined.isStopping else {
            throw LibuvError(.cancelled, operation())
        }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: uv_handle_size(kind), alignment: 16)
        let status = unsafe initialise(cLoop, memory)
        guard status == 0 else {
            unsafe memory.deallocate()
            throw LibuvError(status: status, operation())
        }
        loop.openHandleCount.add(1, ordering: .relaxed)
        self.loop = loop
        self.core = unsafe HandleCore(loop: loop, memory: memory)
        let handle = unsafe memory.assumingMemoryBound(to: uv_handle_t.self)
        unsafe uv_handle_set_data(handle, Unmanaged.passRetained(self.core).toOpaque())
        self.core.owner = self
    }

    /// Whether the handle can still be used.
    package final var isOpen: Bool { unsafe self.core.memory != nil }

    /// Closes the handle; callbacks that have not run yet never will, unless their documentation says otherwise.
    package final func close() {
        self.loop.preconditionIsCurrent()
        guard self.isOpen else { return }
        self.core.close()
        self.didClose()
    }

    /// The handle's memory as the C type of its kind; nil once closed.
    final func pointer<T>(as type: T.Type) -> UnsafeMutablePointer<T>? {
        unsafe self.core.memory?.assumingMemoryBound(to: type)
    }

    /// The Swift object of a handle that libuv hands to a callback; nil when it was dropped.
    static func owner(of handle: UnsafeMutableRawPointer) -> Self? {
        let handle = unsafe handle.assumingMemoryBound(to: uv_handle_t.self)
        return unsafe HandleCore.of(handle)?.owner as? Self
    }

    /// For subclasses: drop callbacks, so that cycles break, and resume whoever waits.
    func didClose() {}

    /// For subclasses that tell their user about the loop's end.
    func loopStops() { self.close() }

    deinit {
        guard self.core.closesWithOwner else { return }
        if self.loop.isCurrent {
            self.core.close()
        } else {
            self.loop.perform { [core] in core.close() }
        }
    }
}
