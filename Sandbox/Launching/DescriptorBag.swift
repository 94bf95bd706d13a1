import CSeccomp
import Glibc

/// Descriptors with one owner, closed with it unless they are taken out.
final class DescriptorBag {
    private var numbers: [Int32] = []

    deinit { for number in self.numbers { _ = Glibc.close(number) } }

    func adopt(_ number: Int32) -> Int32 {
        self.numbers.append(number)
        return number
    }

    /// Gives a descriptor away.
    func release(_ number: Int32) -> Int32 {
        self.numbers.removeAll { $0 == number }
        return number
    }

    func openNull() throws(LaunchError) -> Int32 {
        let number = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        guard number >= 0 else { throw .agent(call: "open /dev/null", errno: errno) }
        return self.adopt(number)
    }

    enum Pair { case pipe, stream, packet }

    /// For a pipe the read end is first.
    func make(_ pair: Pair) throws(LaunchError) -> (first: Int32, second: Int32) {
        var both: [Int32] = [-1, -1]
        let status =
            switch pair {
            case .pipe: unsafe dsmp_pipe(&both)
            case .stream: unsafe dsmp_stream_sockets(&both)
            case .packet: unsafe dsmp_packet_sockets(&both)
            }
        guard status == 0 else { throw .agent(call: "make a pipe or socket", errno: status) }
        return (self.adopt(both[0]), self.adopt(both[1]))
    }
}
