import Glibc
import WorkerTemplates

/// What `dsmp worker new` writes: a small working worker in each language.
package enum WorkerTemplate: String, Sendable, CaseIterable {
    case python, c, swift, exec

    /// What to do next, for a person.
    package var nextSteps: String {
        switch self {
        case .python, .exec: "try it with `dsmp worker check .`, then `dsmp worker publish .`"
        case .c: "build it with `./build`, then `dsmp worker publish . --trust-library`"
        case .swift: "build it with `DSMP_SOURCE=<folder of the agent's sources> ./build`, then `dsmp worker publish .`"
        }
    }

    /// Writes the template into a new folder.
    ///
    /// - Parameters:
    ///   - folder: must not exist, or be empty.
    ///   - name: the worker's name: 1 to 63 lower-case letters, digits and inner hyphens.
    /// - Returns: the paths written, below the folder.
    /// - Throws: ``FileError`` when the folder is not empty or cannot be written.
    package func write(to folder: String, name: String) throws(FileError) -> [String] {
        if unsafe mkdir(folder, 0o755) != 0, errno != EEXIST { throw .last(folder, "create it") }
        guard FolderRemoval.names(in: folder).isEmpty else {
            throw FileError(path: folder, problem: "it is not empty; give the name of a new folder")
        }
        var paths: [String] = []
        for (path, bytes, isExecutable) in self.files {
            if let slash = path.lastIndex(of: "/") {
                let parent = folder + "/" + path[..<slash]
                if unsafe mkdir(parent, 0o755) != 0, errno != EEXIST { throw .last(parent, "create it") }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let parts = text.split(separator: "@NAME@", omittingEmptySubsequences: false)
            let file = folder + "/" + path
            let mode: mode_t = isExecutable ? 0o755 : 0o644
            let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
            guard descriptor >= 0 else { throw .last(file, "create it") }
            defer { close(descriptor) }
            try FileWriting.write(Array(parts.joined(separator: name).utf8), to: descriptor, path: file)
            paths.append(path)
        }
        return paths
    }

    private var files: [(path: String, bytes: [UInt8], isExecutable: Bool)] {
        var files: [(path: String, bytes: [UInt8], isExecutable: Bool)] = []
        var index = 0
        while let file = unsafe dsmp_template_file_at(index)?.pointee {
            index += 1
            guard unsafe String(cString: file.language) == self.rawValue else { continue }
            let bytes = unsafe [UInt8](UnsafeBufferPointer(start: file.bytes, count: file.length))
            unsafe files.append((String(cString: file.path), bytes, file.is_executable != 0))
        }
        return files
    }
}
