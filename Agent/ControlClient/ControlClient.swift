package import ControlAPI
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Speaks to a running agent through the control socket of its data folder, however long that path is
/// (Specs/control-api.md). Every request has a connection of its own.
package struct ControlClient: Sendable {
    /// The longest JSON reply that is read, in bytes.
    package static let replyBytes = 67_108_864
    /// The data folder of the agent.
    package let dataFolder: String

    typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    package init(dataFolder: String) {
        self.dataFolder = dataFolder
    }

    /// Asks a question that has no body.
    ///
    /// - Throws: `unreachable` when no agent answers, or what the agent answered.
    package func ask<Reply: Decodable>(_ path: ControlPath, as type: Reply.Type) async throws(ControlError) -> Reply {
        try ControlJSON.reply(type, from: try await self.exchange(.GET, path.rawValue, body: nil))
    }

    /// Asks with a JSON body.
    ///
    /// - Throws: `unreachable` when no agent answers, or what the agent answered.
    package func ask<Reply: Decodable>(
        _ path: ControlPath, _ request: some Encodable, as type: Reply.Type
    ) async throws(ControlError) -> Reply {
        let body = try ControlJSON.encode(request)
        return try ControlJSON.reply(type, from: try await self.exchange(.POST, path.rawValue, body: body))
    }

    /// One exchange with small bodies.
    private func exchange(_ method: HTTPMethod, _ path: String, body: Data?) async throws(ControlError) -> Data {
        let connection = try await self.connect()
        var headers = HTTPHeaders([("host", "dsmp"), ("connection", "close")])
        if let body {
            headers.add(name: "content-type", value: "application/json")
            headers.add(name: "content-length", value: String(body.count))
        }
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
        do {
            return try await connection.executeThenClose { inbound, outbound in
                var parts = [HTTPClientRequestPart.head(head)]
                if let body { parts.append(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
                parts.append(.end(nil))
                // An agent that answers and closes before it has read all is no failure: what it says counts.
                try? await outbound.write(contentsOf: parts)
                return try await Self.collect(inbound)
            }
        } catch {
            throw self.translated(error)
        }
    }

    private static func collect(_ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>) async throws -> Data {
        var status: HTTPResponseStatus?
        var body = Data()
        for try await part in inbound {
            switch part {
            case .head(let head): status = head.status
            case .body(let buffer):
                guard body.count + buffer.readableBytes <= Self.replyBytes else {
                    throw ControlError(.tooLarge, "the agent's reply is longer than \(Self.replyBytes) bytes")
                }
                body.append(contentsOf: buffer.readableBytesView)
            case .end:
                guard let status, status.code < 300 else { throw Self.failure(status, body) }
                return body
            }
        }
        throw ControlError(.unreachable, "the agent went away before it answered", hint: "see `dsmp status`")
    }

    /// What the agent said when it did not say yes.
    static func failure(_ status: HTTPResponseStatus?, _ body: Data) -> ControlError {
        if let envelope = try? JSONDecoder().decode(ControlErrorEnvelope.self, from: body) { return envelope.error }
        return ControlError(
            .internal, "the agent answered with status \(status?.code ?? 0) and no reason",
            hint: "the command and the agent may be of different versions: see `dsmp status`")
    }
}

extension ControlJSON {
    /// Decodes what the agent answered; a reply that does not fit is the agent's fault and not the user's.
    static func reply<Reply: Decodable>(_ type: Reply.Type, from data: Data) throws(ControlError) -> Reply {
        do throws(ControlError) {
            return try Self.decode(type, from: data)
        } catch {
            throw ControlError(
                .internal, "the agent's reply was not understood: \(error.message)",
                hint: "the command and the agent may be of different versions: see `dsmp status`")
        }
    }
}
