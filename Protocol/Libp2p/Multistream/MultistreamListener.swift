/// The side that answers proposals (Specs/libp2p.md, section 3.3). `ls` is answered like any protocol that is not there.
package struct MultistreamListener: Sendable {
    private var reader = MultistreamReader()
    private var isHeaderRead = false
    private var proposalCount = 0

    package init() {}

    /// Takes proposals off the front of `bytes` and leaves what follows the agreement.
    ///
    /// - Parameters:
    ///   - bytes: what came.
    ///   - supported: the protocol ids that are served.
    ///   - reply: what to send is appended here.
    /// - Returns: the protocol that was agreed on; nil while there is none.
    /// - Throws: ``MultistreamFailure``. Nothing more is sent then.
    package mutating func receive(
        _ bytes: inout ArraySlice<UInt8>, supported: Set<String>, reply: inout [UInt8]
    ) throws(MultistreamFailure) -> String? {
        while let proposal = try self.reader.next(&bytes) {
            guard self.isHeaderRead else {
                self.isHeaderRead = true
                // At once: some dialers propose nothing before they saw it.
                Multistream.append(Multistream.header, to: &reply)
                continue
            }
            self.proposalCount += 1
            guard self.proposalCount <= Multistream.maximumProposals else {
                throw .tooManyProposals(limit: Multistream.maximumProposals)
            }
            if supported.contains(proposal) {
                Multistream.append(proposal, to: &reply)
                return proposal
            }
            Multistream.append(Multistream.notAvailable, to: &reply)
        }
        return nil
    }
}
