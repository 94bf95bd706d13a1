/// A policy as the jail reads it: mounts, limits, Landlock rights and the seccomp program, in the section format of
/// Specs/sandbox.md, section 5. Nothing of it is built when a worker starts.
package struct CompiledPolicy: Sendable, Hashable {
    /// The payload of the plan's policy section.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }
}
