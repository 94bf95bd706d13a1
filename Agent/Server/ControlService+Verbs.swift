internal import ControlAPI
internal import Foundation

extension ControlService {
    /// Does what the path asks and writes its reply as JSON.
    func answer(_ path: ControlPath, _ body: Data) async throws(ControlError) -> Reply {
        switch path {
        case .status:
            var status = try await self.agent.status()
            status.api = self.apiURL.value
            return try .json(status)
        case .doctor: return try .json(try await self.agent.doctor())
        case .limits: return try .json(try await self.agent.limits())
        case .workers: return try .json(try await self.agent.workers())
        case .worker: return try await self.pass(body, self.agent.worker)
        case .logs:
            return try await self.pass(body) { (request: LogsRequest) async throws(ControlError) in
                try Self.check(request.lines, in: 1...LogsRequest.lineLimit, "lines")
                return try await self.agent.logs(request)
            }
        case .publish: return try await self.pass(body, self.agent.publish)
        case .unpublish: return try await self.pass(body, self.agent.unpublish)
        case .host: return try await self.pass(body, self.agent.host)
        case .grant: return try await self.pass(body, self.agent.grant)
        case .revoke: return try await self.pass(body, self.agent.revoke)
        case .find:
            return try await self.pass(body) { (request: FindRequest) async throws(ControlError) in
                try Self.check(request.limit, in: 1...FindRequest.limitBound, "limit")
                return try await self.agent.find(request)
            }
        case .subscribe: return try await self.pass(body, self.agent.subscribe)
        case .unsubscribe: return try await self.pass(body, self.agent.unsubscribe)
        case .subscriptions: return try .json(try await self.agent.subscriptions())
        case .peers: return try .json(try await self.agent.peers())
        case .route: return try await self.pass(body, self.agent.route)
        case .ping:
            return try await self.pass(body) { (request: PingRequest) async throws(ControlError) in
                try Self.check(request.count, in: 1...PingRequest.countLimit, "count")
                return try await self.agent.ping(request)
            }
        case .getRecord: return try await self.pass(body, self.agent.getRecord)
        case .putRecord: return try await self.pass(body, self.agent.putRecord)
        case .provide: return try await self.pass(body, self.agent.provide)
        case .providers: return try await self.pass(body, self.agent.providers)
        case .findPeer: return try await self.pass(body, self.agent.findPeer)
        }
    }

    private func pass<Request: Decodable, Answer: Encodable>(
        _ body: Data, _ verb: (Request) async throws(ControlError) -> Answer
    ) async throws(ControlError) -> Reply {
        let request = try ControlJSON.decode(Request.self, from: body)
        return try .json(try await verb(request))
    }

    private static func check(_ value: Int, in range: ClosedRange<Int>, _ field: String) throws(ControlError) {
        guard range.contains(value) else {
            throw ControlError(
                .usage, "`\(field)` is \(value), not \(range.lowerBound) to \(range.upperBound)",
                hint: "see Specs/control-api.md")
        }
    }
}
