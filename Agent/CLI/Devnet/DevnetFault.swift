/// Something that goes wrong with one agent of a devnet, on purpose.
package struct DevnetFault: Hashable, Codable {
    package enum Kind: String, CaseIterable, Codable {
        /// The process is killed.
        case crash
        /// The process is stopped: it keeps its connections and answers nothing.
        case freeze
    }

    package var index: Int
    package var kind: Kind

    /// Parses `2=crash`; nil for anything else.
    package init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let index = UInt8(parts[0]), let kind = Kind(rawValue: String(parts[1])) else {
            return nil
        }
        self.index = Int(index)
        self.kind = kind
    }
}
