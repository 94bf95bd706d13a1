package import Identity
package import Wire

/// What a publisher says about its worker (Specs/records.md, section 2).
package struct WorkerDescriptor: Sendable, Hashable {
    /// How a host runs the worker.
    package enum Kind: UInt32, Sendable, Hashable, CaseIterable, CustomStringConvertible {
        case library = 1
        case subprocess = 2
        case exec = 3

        package var description: String {
            switch self {
            case .library: "library"
            case .subprocess: "subprocess"
            case .exec: "exec"
            }
        }
    }

    /// Who may find and call the worker.
    package enum Visibility: UInt32, Sendable, Hashable, CaseIterable, CustomStringConvertible {
        case `public` = 1
        case `private` = 2

        package var description: String { self == .public ? "public" : "private" }
    }

    /// One immutable version of the worker's folder.
    package struct Release: Sendable, Hashable {
        /// For people (``WorkerText/isVersion(_:)``).
        package var version: String
        /// Of the archive: raw codec, SHA-256.
        package var cid: CID
        /// 1 to ``WorkerDescriptor/maximumArchiveBytes``.
        package var archiveBytes: UInt64

        package init(version: String, cid: CID, archiveBytes: UInt64) {
            self.version = version
            self.cid = cid
            self.archiveBytes = archiveBytes
        }
    }

    /// One method that a caller may name.
    package struct Method: Sendable, Hashable {
        /// See ``WorkerText/isMethod(_:)``.
        package var name: String
        /// For people; at most ``WorkerText/methodSummaryBytes`` bytes.
        package var summary: String
        /// Whether it may be run again after a failure whose effect is unknown.
        package var isIdempotent: Bool

        package init(name: String, summary: String = "", isIdempotent: Bool = false) {
            self.name = name
            self.summary = summary
            self.isIdempotent = isIdempotent
        }
    }

    /// The largest archive of a release, in bytes (4 GiB).
    package static let maximumArchiveBytes: UInt64 = 4_294_967_296
    /// The most methods of a worker.
    package static let maximumMethods = 64
    /// The most tags of a worker.
    package static let maximumTags = 16
    /// The longest encoded price, in bytes.
    package static let maximumPriceBytes = 512

    package var worker: WorkerName
    package var kind: Kind
    package var release: Release
    /// 1 to ``maximumMethods``, names unique.
    package var methods: [Method]
    /// At most ``maximumTags``, unique (``WorkerText/isTag(_:)``).
    package var tags: [String]
    package var visibility: Visibility
    /// For people; at most ``WorkerText/summaryBytes`` bytes.
    package var summary: String
    /// An encoded price (Specs/subscription.md, section 3), carried but not read here; empty when there is none.
    package var price: [UInt8]
    /// Host grants with a lower sequence are void.
    package var grantFloor: UInt64
    /// The worker is no longer offered.
    package var isWithdrawn: Bool
    package var sequence: UInt64
    /// Wall time, in milliseconds since 1970.
    package var issued: UInt64
    /// Wall time, in milliseconds since 1970.
    package var expires: UInt64

    package init(
        worker: WorkerName, kind: Kind, release: Release, methods: [Method], tags: [String] = [],
        visibility: Visibility = .public, summary: String = "", price: [UInt8] = [], grantFloor: UInt64 = 0,
        isWithdrawn: Bool = false, sequence: UInt64, issued: UInt64, expires: UInt64
    ) {
        self.worker = worker
        self.kind = kind
        self.release = release
        self.methods = methods
        self.tags = tags
        self.visibility = visibility
        self.summary = summary
        self.price = price
        self.grantFloor = grantFloor
        self.isWithdrawn = isWithdrawn
        self.sequence = sequence
        self.issued = issued
        self.expires = expires
    }

    /// The method of a name; nil when the worker has none.
    package func method(named name: String) -> Method? { self.methods.first { $0.name == name } }
}
