package import Identity

/// A byte stream to one peer, authenticated and encrypted. One task may read while another writes.
package protocol MeshStream: AnyObject, Sendable {
    /// Who is at the other end, as the secure channel authenticated it.
    var peer: PeerID { get }
    /// The next bytes; nil after the peer finished its direction.
    func read() async throws(NetworkError) -> [UInt8]?
    /// Writes and returns when more may be written.
    func write(_ bytes: [UInt8]) async throws(NetworkError)
    /// Finishes this direction.
    func finishWriting() async throws(NetworkError)
    /// Ends both directions at once; what waits throws. From any thread.
    func reset()
}
