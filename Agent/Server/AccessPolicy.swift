package import ControlAPI

/// Who may use the TCP listener (Specs/control-api.md, section 2): whoever has the token and came straight here.
///
/// A browser page of another site has neither: its `Origin` is refused, and a name that an attacker points at this
/// address (DNS rebinding) is not in the list of hosts.
package struct AccessPolicy: Sendable {
    /// What of a request decides.
    package struct Credentials: Sendable, Hashable {
        package var host: String?
        package var origin: String?
        package var authorization: String?

        package init(host: String?, origin: String?, authorization: String?) {
            self.host = host
            self.origin = origin
            self.authorization = authorization
        }
    }

    private let hosts: [String]
    private let token: APIToken

    /// - Parameters:
    ///   - address: where the listener is bound; its host and the names of the loopback are allowed.
    ///   - token: what a request must bear.
    package init(address: APIAddress, token: APIToken) {
        var hosts = [address.host.lowercased(), "localhost", "127.0.0.1", "::1"].map {
            APIAddress(host: $0, port: address.port).description
        }
        if address.port == 80 { hosts += hosts.map { String($0.dropLast(3)) } }
        self.hosts = hosts
        self.token = token
    }

    /// Why a request is refused; nil when it may pass.
    package func refusal(of credentials: Credentials) -> ControlError? {
        guard let host = credentials.host?.lowercased(), self.hosts.contains(host) else {
            return ControlError(
                .refused, "the Host header names another server", hint: "use the address given with --api")
        }
        if let origin = credentials.origin?.lowercased(), !self.hosts.contains(where: { origin == "http://" + $0 }) {
            return ControlError(.refused, "requests from another web site are not served")
        }
        guard let authorization = credentials.authorization else {
            return ControlError(
                .unauthenticated, "this address wants a token",
                hint: "send `Authorization: Bearer <token>` with the token in <data>/\(APIToken.fileName)")
        }
        let parts = authorization.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer", self.token.matches(parts[1]) else {
            return ControlError(
                .unauthenticated, "the token is not the right one", hint: "read it from <data>/\(APIToken.fileName)")
        }
        return nil
    }
}
