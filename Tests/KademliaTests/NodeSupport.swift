import Identity
import Kademlia
import TestKit
import Wire

func queries(_ effects: [KademliaEffect]) -> [(id: QueryID, contact: PeerContact, request: KademliaRequest)] {
    effects.compactMap {
        if case .query(let id, let contact, let request) = $0 { (id, contact, request) } else { nil }
    }
}

func result(_ effects: [KademliaEffect]) -> OperationResult? {
    effects.lazy.compactMap { if case .finished(_, let result, _) = $0 { result } else { nil } }.first
}

func testNode(
    _ random: inout SplitMix64, records: any RecordStore = MemoryRecordStore(),
    parameters: KademliaParameters = KademliaParameters()
) throws -> KademliaNode {
    var node = try KademliaNode(
        own: testPeer(&random), parameters: parameters, validators: .test, records: records,
        seed: random.bytes(32), at: Moment(0))
    _ = node.step(.announces([testAddress(9_999)]), at: Moment(0))
    return node
}

/// Brings peers into the table and lets the refresh that follows end.
func admit(_ contacts: [PeerContact], to node: inout KademliaNode) {
    var open = contacts.flatMap { node.step(.identified($0, isServer: true), at: Moment(1)) }
    var rounds = 0
    while !open.isEmpty, rounds < 1_000 {
        rounds += 1
        let asked = queries(open)
        open = asked.flatMap { query in
            let answer = KademliaAnswer(
                kind: query.request.kind, closerPeers: Array(contacts.filter { $0 != query.contact }.prefix(20)))
            return node.step(.answered(query.id, answer), at: Moment(2))
        }
        if open.isEmpty, node.nextDeadline <= 3 { open = node.step(.tick, at: Moment(3)) }
    }
}
