/// The side that proposes protocols (Specs/libp2p.md, section 3.2).
package struct MultistreamDialer: Sendable {
    /// The protocols in the order of preference.
    package let proposals: [String]
    private var reader = MultistreamReader()
    private var isHeaderRead = false
    private var index = 0

    /// - Parameter proposals: at least one.
    package init(proposals: [String]) {
        precondition(!proposals.isEmpty, "a negotiation proposes something")
        self.proposals = proposals
    }

    /// What to send first: the header and the first proposal. With one proposal the protocol's own bytes may follow at
    /// once, because there is nothing else that they could be for.
    package var opening: [UInt8] {
        var output = Multistream.message(Multistream.header)
        Multistream.append(self.proposals[0], to: &output)
        return output
    }

    /// Takes answers off the front of `bytes` and leaves what follows the agreement.
    ///
    /// - Parameters:
    ///   - bytes: what came.
    ///   - reply: the next proposal is appended here when the peer refused one.
    /// - Returns: the protocol that was agreed on; nil while the answer is not complete.
    /// - Throws: ``MultistreamFailure``.
    package mutating func receive(
        _ bytes: inout ArraySlice<UInt8>, reply: inout [UInt8]
    ) throws(MultistreamFailure) -> String? {
        while let answer = try self.reader.next(&bytes) {
            if !self.isHeaderRead {
                self.isHeaderRead = true
            } else if answer == self.proposals[self.index] {
                return answer
            } else if answer == Multistream.notAvailable {
                self.index += 1
                guard self.index < self.proposals.count else { throw .notSupported(self.proposals) }
                Multistream.append(self.proposals[self.index], to: &reply)
            } else {
                throw .unexpectedAnswer(String(answer.prefix(64)))
            }
        }
        return nil
    }
}
