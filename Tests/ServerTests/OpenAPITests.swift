import ControlAPI
import Foundation
import TestKit
import Testing

@Suite("The OpenAPI document") struct OpenAPITests {
    private struct Document: Decodable {
        struct Operation: Decodable {
            var operationId: String
        }
        struct Schema: Decodable {
            var properties: [String: Empty]?
            var required: [String]?
            var `enum`: [String]?
        }
        struct Empty: Decodable {}
        struct Components: Decodable {
            var schemas: [String: Schema]
        }
        var paths: [String: [String: Operation]]
        var components: Components
    }

    private static func document() throws -> Document {
        try JSONDecoder().decode(Document.self, from: Data(Repository.bytes("Agent/ControlAPI/openapi.json")))
    }

    @Test("has every path with its method, and no other") func paths() throws {
        let document = try Self.document()
        for path in ControlPath.allCases {
            #expect(document.paths[path.rawValue]?.keys.sorted() == [path.isQuestion ? "get" : "post"], "\(path)")
        }
        let others = Set(document.paths.keys).subtracting(ControlPath.allCases.map(\.rawValue))
        #expect(others == ["/v1/call/{worker}/{method}", "/metrics"])
    }

    @Test("has the codes of failures") func codes() throws {
        let codes = try Self.document().components.schemas["ControlErrorCode"]?.enum
        #expect(codes?.sorted() == ControlErrorCode.allCases.map(\.rawValue).sorted())
    }

    @Test("knows every field that is sent, and requires only what is always there") func fields() throws {
        let schemas = try Self.document().components.schemas
        let samples: [(String, any Encodable)] = [
            ("AgentStatus", Sample.status), ("PublishedWorker", Sample.published), ("WorkerSummary", Sample.summary),
            ("WorkerDetail", Sample.detail), ("GrantSummary", Sample.grant), ("FoundWorker", Sample.found),
            ("SubscriptionSummary", Sample.subscription), ("PeerSummary", Sample.peer), ("PeerReply", Sample.contact),
            ("RecordReply", RecordReply(key: "k", value: Base64Bytes([]), peers: 1)),
            ("LogLine", LogLine(number: 1, unixMilliseconds: 2, text: "")),
            ("DoctorFinding", DoctorFinding(check: "", severity: .ok, message: "")),
            ("ControlErrorEnvelope", ControlErrorEnvelope(error: ControlError(.failed, ""))),
            ("ControlError", ControlError(.failed, "")),
        ]
        for (name, sample) in samples {
            let schema = try #require(schemas[name], "\(name)")
            let object = try JSONSerialization.jsonObject(with: ControlJSON.encode(sample)) as? [String: Any]
            let sent = Set((object ?? [:]).keys)
            #expect(sent.isSubset(of: Set((schema.properties ?? [:]).keys)), "\(name)")
            #expect(Set(schema.required ?? []).isSubset(of: sent), "\(name)")
        }
    }
}
