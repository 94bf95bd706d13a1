package import Foundation

/// The one JSON dialect of the control surface: keys as the Swift names, sorted, slashes not escaped.
package enum ControlJSON {
    /// Encodes a reply or a request. Throws only for values no message of this module holds, such as a NaN.
    package static func encode(_ value: some Encodable, pretty: Bool = false) throws(ControlError) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty
            ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
            : [
                .sortedKeys, .withoutEscapingSlashes,
            ]
        do {
            return try encoder.encode(value)
        } catch {
            throw ControlError(.internal, "a reply could not be written as JSON: \(error)")
        }
    }

    /// Decodes a request or a reply.
    ///
    /// - Throws: `usage` naming the field that is missing or wrong.
    package static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws(ControlError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch DecodingError.keyNotFound(let key, _) {
            throw ControlError(.usage, "the field `\(key.stringValue)` is missing", hint: Self.hint)
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            throw ControlError(.usage, "\(Self.field(context)) has the wrong type", hint: Self.hint)
        } catch DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty {
            throw ControlError(.usage, "\(Self.field(context)) is not valid", hint: Self.hint)
        } catch {
            throw ControlError(.usage, "the body is not the JSON that was expected", hint: Self.hint)
        }
    }

    private static let hint = "see Specs/control-api.md"

    private static func field(_ context: DecodingError.Context) -> String {
        context.codingPath.isEmpty
            ? "the body" : "the field `\(context.codingPath.map(\.stringValue).joined(separator: "."))`"
    }
}
