internal import ControlAPI
internal import Foundation
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore

/// Answers the requests of one listener: checks who asks, finds what is asked, says why when it cannot be.
struct ControlService: Sendable {
    /// Who may ask.
    enum Access: Sendable {
        /// Whoever the kernel let connect; the listener checked it.
        case localUser
        /// Whoever bears the token, under the address that was bound.
        case token(APIToken, APIAddress)
    }

    /// What a request asks for.
    private enum Question {
        case call(CallTarget, CallRoute.Style)
        case metrics
        case verb(ControlPath)
    }

    let agent: any AgentControl
    let access: Access
    let apiURL: BoundURL

    /// Writes one reply. Throws only when the connection is of no further use.
    @concurrent func respond(to request: Request, _ writer: consuming ResponseWriter, on channel: any Channel)
        async throws
    {
        let question: Question
        do throws(ControlError) {
            if let refusal = self.refusal(of: request, on: channel) { throw refusal }
            question = try Self.question(request)
        } catch {
            return try await writer.write(.failure(error))
        }
        switch question {
        case .call(let target, let style):
            try await CallRoute(agent: self.agent, style: style).serve(target, request, writer, on: channel)
        case .metrics:
            let reply: Reply
            do throws(ControlError) {
                reply = .metrics(try await self.agent.counters())
            } catch {
                reply = .failure(error)
            }
            try await writer.write(reply)
        case .verb(let path):
            let body: Data
            do {
                body = Data(try await request.body.collect(upTo: ControlServer.Limits.bodyBytes).readableBytesView)
            } catch is NIOTooManyBytesError {
                return try await writer.write(.failure(Self.bodyTooLarge))
            }
            let reply: Reply
            do throws(ControlError) {
                reply = try await self.answer(path, body)
            } catch {
                reply = .failure(error)
            }
            try await writer.write(reply)
        }
    }

    private static let bodyTooLarge = ControlError(
        .tooLarge, "the body is longer than \(ControlServer.Limits.bodyBytes) bytes",
        hint: "only a call takes more; send data to a worker with /v1/call/")

    private func refusal(of request: Request, on channel: any Channel) -> ControlError? {
        guard case .token(let token, let address) = self.access else { return nil }
        let policy = AccessPolicy(address: address.with(port: channel.localAddress?.port ?? address.port), token: token)
        return policy.refusal(
            of: .init(
                host: request.head.authority, origin: request.headers[.origin],
                authorization: request.headers[.authorization]))
    }

    private static func question(_ request: Request) throws(ControlError) -> Question {
        let path = request.uri.path
        if let target = try CallTarget(path: path, prefix: ControlPath.callPrefix) {
            try Self.expect([.post], request)
            return .call(target, .api)
        }
        if let target = try CallTarget(path: path, prefix: ControlPath.ingressPrefix) {
            try Self.expect([.get, .post, .put], request)
            return .call(target, .ingress)
        }
        if path == ControlPath.metrics {
            try Self.expect([.get], request)
            return .metrics
        }
        guard let known = ControlPath(rawValue: path) else {
            throw ControlError(.notFound, "there is nothing at this path", hint: "see Specs/control-api.md")
        }
        try Self.expect(known.isQuestion ? [.get] : [.post], request)
        return .verb(known)
    }

    private static func expect(_ methods: [HTTPRequest.Method], _ request: Request) throws(ControlError) {
        guard methods.contains(request.method) else {
            let names = methods.map(\.rawValue).joined(separator: " or ")
            throw ControlError(.usage, "this path does not take \(request.method.rawValue)", hint: "use \(names)")
        }
    }
}
