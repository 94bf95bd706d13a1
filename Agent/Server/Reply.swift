internal import ControlAPI
internal import Foundation
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore

/// One complete reply.
struct Reply: Sendable {
    var status: HTTPResponse.Status
    var contentType: String
    var body: Data

    static func json(_ value: some Encodable) throws(ControlError) -> Reply {
        Reply(status: .ok, contentType: "application/json", body: try ControlJSON.encode(value))
    }

    static func failure(_ error: ControlError) -> Reply {
        let body: Data
        do throws(ControlError) {
            body = try ControlJSON.encode(ControlErrorEnvelope(error: error))
        } catch {
            body = Data(#"{"error":{"code":"internal","message":"an error could not be written","hint":""}}"#.utf8)
        }
        return Reply(status: .init(code: error.code.httpStatus), contentType: "application/json", body: body)
    }

    static func metrics(_ counters: AgentCounters) -> Reply {
        Reply(
            status: .ok, contentType: "application/openmetrics-text; version=1.0.0; charset=utf-8",
            body: Data(OpenMetrics.text(counters).utf8))
    }
}

extension ResponseWriter {
    /// Writes a whole reply. No reply may be cached or taken for another type than it states.
    @concurrent consuming func write(_ reply: Reply) async throws {
        var fields = HTTPFields()
        fields[.contentType] = reply.contentType
        fields[.contentLength] = String(reply.body.count)
        fields[.cacheControl] = "no-store"
        fields[.xContentTypeOptions] = "nosniff"
        try await self.write(
            response: HTTPResponse(status: reply.status, headerFields: fields),
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body)))
    }
}
