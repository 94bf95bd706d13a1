import Glibc

/// One thing to fuzz: bytes go in, and what must hold for any bytes is checked with `precondition`.
struct FuzzTarget: Sendable {
    /// Chosen with `DSMP_FUZZ_TARGET`, and the name of the folder under Corpus with its seeds.
    let name: String
    /// The longest input that is worth trying, in bytes.
    let maximumByteCount: Int
    let run: @Sendable ([UInt8]) -> Void

    /// Every target. To add one: a file with its function, a row here, a few seeds in Corpus/<name>.
    static let all = [
        FuzzTarget(name: "varint", maximumByteCount: 16, run: fuzzVarint),
        FuzzTarget(name: "multiaddr", maximumByteCount: 1_200, run: fuzzMultiaddr),
        FuzzTarget(name: "multiaddr-text", maximumByteCount: 512, run: fuzzMultiaddrText),
        FuzzTarget(name: "cid", maximumByteCount: 256, run: fuzzCID),
        FuzzTarget(name: "peer-id", maximumByteCount: 128, run: fuzzPeerID),
        FuzzTarget(name: "public-key", maximumByteCount: 1_300, run: fuzzPublicKey),
        FuzzTarget(name: "envelope", maximumByteCount: 2_048, run: fuzzEnvelope),
        FuzzTarget(name: "messages", maximumByteCount: 2_048, run: fuzzMessages),
        FuzzTarget(name: "worker-name", maximumByteCount: 300, run: fuzzWorkerName),
        FuzzTarget(name: "multistream", maximumByteCount: 2_048, run: fuzzMultistream),
        FuzzTarget(name: "identify", maximumByteCount: 2_048, run: fuzzIdentify),
        FuzzTarget(name: "yamux", maximumByteCount: 4_096, run: fuzzYamux),
        FuzzTarget(name: "connection", maximumByteCount: 1_024, run: fuzzConnection),
        FuzzTarget(name: "frames", maximumByteCount: 2_048, run: fuzzFrames),
    ]

    /// The target that the environment names.
    static let chosen: FuzzTarget? = {
        guard let name = getenv("DSMP_FUZZ_TARGET").map({ String(cString: $0) }) else { return nil }
        guard let target = Self.all.first(where: { $0.name == name }) else {
            preconditionFailure("there is no fuzz target \(name); `DSMP_FUZZ_LIST=1 dsmp-fuzz` prints the names")
        }
        return target
    }()
}

/// Called by libFuzzer before the first input. With `DSMP_FUZZ_LIST` prints the name and greatest length of each target.
@_cdecl("LLVMFuzzerInitialize")
func initialize(
    _ argumentCount: UnsafeMutablePointer<CInt>?,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>?
) -> CInt {
    guard getenv("DSMP_FUZZ_LIST") != nil else { return 0 }
    for target in FuzzTarget.all { print(target.name, target.maximumByteCount) }
    exit(0)
}

/// Called by libFuzzer with each input. Without a chosen target the first byte chooses.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: start, count: byteCount))
    if let target = FuzzTarget.chosen {
        target.run(bytes)
    } else if let first = bytes.first {
        FuzzTarget.all[Int(first) % FuzzTarget.all.count].run(Array(bytes.dropFirst()))
    }
    return 0
}
