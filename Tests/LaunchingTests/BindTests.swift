import Glibc
import Launching
import Policy
import Testing

@Suite("Files of the host in a jail") struct BindTests {
    private func policy(_ binds: [String], protected: [String] = []) throws -> EffectivePolicy {
        let parsed = try binds.map { try BindMount(parsing: $0) }
        return try TestJail.policy(protected: protected) { $0.binds = parsed }
    }

    @Test("are readable where granted, at the granted place, and no more") func readOnly() async throws {
        let folder = try TemporaryFolder()
        try folder.write("content", to: "file")
        let result = try await TestJail.shell(
            "cat /data/file; touch /data/new 2>/dev/null && echo wrote; ls /data; test -e \(folder.path) && echo twice",
            try self.policy([folder.path + ":/data"]))
        #expect(result.output == "contentfile\n")
    }

    @Test("are writable where granted so, and then not executable") func writable() async throws {
        let folder = try TemporaryFolder()
        chmod(folder.path, 0o777)
        try folder.write("#!/bin/sh\necho ran\n", to: "script", mode: 0o755)
        let result = try await TestJail.shell(
            "echo kept > /data/new; /data/script 2>/dev/null; cat /data/new; mkfifo /data/pipe && echo pipe",
            try self.policy([folder.path + ":/data:rw"]))
        #expect(result.output == "kept\npipe\n")
        #expect(try readFile(folder.path + "/new") == "kept\n")
    }

    @Test("belong to the folder's owner when the worker makes them", .enabled(if: geteuid() == 0))
    func owner() async throws {
        let folder = try TemporaryFolder()
        try #require(chown(folder.path, 1234, 2345) == 0)
        chmod(folder.path, 0o700)
        let result = try await TestJail.shell(
            "stat -c %u:%g /data; echo made > /data/new; stat -c %u:%g /data/new; chmod 4755 /data/new 2>/dev/null || echo no",
            try self.policy([folder.path + ":/data:rw"]))
        #expect(result.output == "1000:1000\n1000:1000\nno\n", "\(result.error)")
        var status = stat()
        #expect(stat(folder.path + "/new", &status) == 0)
        #expect(status.st_uid == 1234 && status.st_gid == 2345)
        #expect(status.st_mode & 0o7777 == 0o644)
    }

    @Test("can be single files, below folders that do not exist") func singleFile() async throws {
        let folder = try TemporaryFolder()
        try folder.write("one", to: "one")
        try folder.write("two", to: "two")
        let result = try await TestJail.shell(
            "cat /deep/er/file; ls /deep/er 2>/dev/null; cat /deep/er/two 2>/dev/null",
            try self.policy([folder.path + "/one:/deep/er/file"]))
        #expect(result.output == "one")
    }

    @Test("are refused when a part of the path is a link", arguments: ["link", "folder/../link/file", "linked/file"])
    func links(name: String) async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("folder")
        try folder.write("x", to: "folder/file")
        symlink("/root", folder.path + "/link")
        symlink("folder", folder.path + "/linked")
        var policy = try TestJail.policy()
        // Past the parser, which refuses "..": the jail must hold alone.
        policy.binds = [BindMount(source: "\(folder.path)/\(name)", target: "/data", isWritable: false)]
        let failure = try await refusal(of: ["/usr/bin/true"], policy)
        #expect(failure?.step == "bind-open")
        #expect(failure?.errno == ELOOP)
        #expect(failure?.advice.contains("symbolic link") == true)
    }

    @Test("are refused when protected, above or below it, whatever the name") func protected() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("data")
        try folder.makeFolder("data/inner")
        try folder.makeFolder("beside")
        let protected = [folder.path + "/data"]
        for source in ["data", "data/inner", ""] {
            let path = source.isEmpty ? folder.path : "\(folder.path)/\(source)"
            let failure = try await refusal(
                of: ["/usr/bin/true"], try self.policy([path + ":/x"], protected: protected))
            #expect(failure?.step == "bind-check", "\(source)")
            #expect(failure?.errno == EPERM)
        }
        let result = try await TestJail.shell(
            "echo fine", try self.policy([folder.path + "/beside:/x"], protected: protected))
        #expect(result.output == "fine\n")
    }

    @Test("are refused when protected and shown under another name", .enabled(if: geteuid() == 0))
    func protectedElsewhere() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("data")
        try folder.makeFolder("alias")
        try #require(mount("\(folder.path)/data", "\(folder.path)/alias", nil, UInt(MS_BIND), nil) == 0)
        defer { umount2("\(folder.path)/alias", Int32(MNT_DETACH)) }
        let policy = try self.policy([folder.path + "/alias:/x"], protected: [folder.path + "/data"])
        #expect(try await refusal(of: ["/usr/bin/true"], policy)?.step == "bind-check")
    }

    @Test(
        "are never the host's /root, /proc, /sys, /dev or anything that holds them",
        arguments: [
            "/", "/root", "/proc", "/proc/1", "/sys", "/sys/kernel", "/dev", "/dev/null", "/dev/pts",
        ])
    func never(source: String) async throws {
        var policy = try TestJail.policy()
        policy.binds = [BindMount(source: source, target: "/data", isWritable: false)]
        let failure = try await refusal(of: ["/usr/bin/true"], policy)
        #expect(failure?.step == "bind-check" || failure?.step == "bind-open", "\(source)")
    }

    @Test(
        "have targets that cannot climb out",
        arguments: ["/", "/..", "/a/..", "/a/../b", "/a//b", "/a/", "/./a", "a", ""])
    func targets(target: String) async throws {
        var policy = try TestJail.policy()
        // Past the parser, which normalises: the jail must hold alone.
        policy.binds = [BindMount(source: "/usr/share/common-licenses", target: target, isWritable: false)]
        let failure = try await refusal(of: ["/usr/bin/true"], policy)
        #expect(failure == JailFailure(step: "plan", errno: 0, detail: "its policy is malformed"))
    }

    @Test("that are missing are named") func missing() async throws {
        let failure = try await refusal(of: ["/usr/bin/true"], try self.policy(["/nowhere/at/all"]))
        #expect(failure == JailFailure(step: "bind-open", errno: ENOENT, detail: "/nowhere/at/all"))
    }

    @Test("give no way to their sockets") func sockets() async throws {
        let folder = try TemporaryFolder()
        chmod(folder.path, 0o777)
        let script = """
            import socket
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                try: socket.socket(socket.AF_UNIX, kind)
                except OSError as error: print(error.errno)
            try: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            except OSError as error: print(error.errno)
            """
        let result = try await TestJail.run(
            ["/usr/bin/python3", "-c", script], try self.policy([folder.path + ":/x:rw"]))
        #expect(result.output == "97\n97\n38\n")
    }
}
