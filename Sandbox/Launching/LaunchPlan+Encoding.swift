import Policy

extension LaunchPlan {
    private enum Section {
        static let policy: UInt16 = 1
        static let launch: UInt16 = 2
        static let identity: UInt16 = 30
        static let name: UInt16 = 31
        static let program: UInt16 = 32
        static let folder: UInt16 = 33
        static let arguments: UInt16 = 34
        static let variables: UInt16 = 35
        static let release: UInt16 = 36
    }

    /// The most arguments, the first one included.
    package static let maximumArgumentCount = 1024
    /// The largest plan, in bytes.
    package static let maximumByteCount = 1 << 20

    /// The plan as the jail reads it (Specs/sandbox.md, section 5).
    ///
    /// - Throws: ``LaunchError/invalidPlan(reason:)`` for what the format cannot hold.
    package func encoded() throws(LaunchError) -> [UInt8] {
        try self.check()
        var launch = PlanWriter()
        launch.section(
            Section.identity,
            PlanWriter.payload { writer in
                writer.append(self.slot.kernelUserID)
                writer.append(self.slot.kernelUserID)
            })
        launch.section(Section.name, PlanWriter.payload(texts: [self.name]))
        launch.section(Section.program, PlanWriter.payload(texts: [self.program]))
        launch.section(Section.folder, PlanWriter.payload(texts: [self.workingDirectory]))
        launch.section(Section.arguments, PlanWriter.payload(texts: self.arguments))
        launch.section(Section.variables, PlanWriter.payload(texts: self.environment.entries))
        if let release = self.releaseFolder { launch.section(Section.release, PlanWriter.payload(texts: [release])) }
        var parts = PlanWriter()
        parts.section(Section.policy, self.policy.bytes)
        parts.section(Section.launch, launch.bytes)
        let byteCount = parts.bytes.count + 16
        guard byteCount <= Self.maximumByteCount else {
            throw .invalidPlan(
                reason: "arguments and environment take \(byteCount) bytes, more than \(Self.maximumByteCount); "
                    + "hand data over on standard input")
        }
        var header = PlanWriter()
        for byte in "DSMPPLAN".utf8 { header.append(byte) }
        header.append(UInt32(1))
        header.append(UInt32(byteCount))
        return header.bytes + parts.bytes
    }

    private func check() throws(LaunchError) {
        guard (1...63).contains(self.name.utf8.count),
            self.name.utf8.allSatisfy({
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
            })
        else {
            throw .invalidPlan(reason: "\"\(self.name)\" is no process name; use 1 to 63 of a-z, 0-9 and -")
        }
        guard (1...Self.maximumArgumentCount).contains(self.arguments.count) else {
            throw .invalidPlan(
                reason: "\(self.arguments.count) arguments are not 1 to \(Self.maximumArgumentCount); shorten them")
        }
        let texts = self.arguments + [self.program, self.workingDirectory, self.releaseFolder ?? ""]
        guard !texts.contains(where: { $0.utf8.contains(0) }) else {
            throw .invalidPlan(reason: "an argument or path has a zero byte; remove it")
        }
        for path in [self.program, self.workingDirectory] + (self.releaseFolder.map { [$0] } ?? []) {
            guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= AbsolutePath.maximumByteCount else {
                throw .invalidPlan(reason: "\"\(path)\" is not an absolute path; begin it with /")
            }
        }
        guard self.error != .pipe else {
            throw .invalidPlan(reason: "standard error cannot have a pipe of its own; send it to the log")
        }
    }
}
