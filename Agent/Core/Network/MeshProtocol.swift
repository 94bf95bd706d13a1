/// The protocols between agents that the agent itself serves.
enum MeshProtocol {
    /// Specs/call.md.
    static let call = "/dsmp/call/1"
    /// Specs/records.md, section 7.
    static let catalog = "/dsmp/catalog/1"
    /// Specs/records.md, section 8.
    static let grant = "/dsmp/grant/1"
    /// Specs/blocks.md.
    static let block = "/dsmp/block/1"
    /// Specs/subscription.md, section 4.
    static let subscribe = "/dsmp/subscribe/1"
}
