import CLibuv
import Glibc

/// An open file descriptor with one owner, closed with this value. All descriptors of this module are close-on-exec.
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, for a system call while this value lives.
    package let number: Int32

    /// Takes over an open descriptor.
    package init(adopting number: Int32) { self.number = number }

    /// Gives the descriptor away: the caller closes it.
    package consuming func release() -> Int32 {
        let number = self.number
        discard self
        return number
    }

    deinit { _ = Glibc.close(self.number) }
}

/// Two connected Unix stream sockets.
package struct SocketPair: ~Copyable, Sendable {
    package let first: OwnedDescriptor
    package let second: OwnedDescriptor

    /// Creates a connected pair of Unix stream sockets, close-on-exec (`socketpair`).
    package init() throws(LibuvError) {
        var numbers: [Int32] = [-1, -1]
        guard unsafe dsmp_socket_pair(&numbers) == 0 else {
            throw LibuvError.last("create a socket pair")
        }
        self.first = OwnedDescriptor(adopting: numbers[0])
        self.second = OwnedDescriptor(adopting: numbers[1])
    }

    /// Splits the pair for its two owners.
    package consuming func take(_ body: (consuming OwnedDescriptor, consuming OwnedDescriptor) throws -> Void) rethrows
    {
        try body(self.first, self.second)
    }
}
