extension EffectivePolicy {
    /// What the worker may do, in words, one sentence a line, for `dsmp sandbox explain`.
    package var explanation: [String] {
        var lines = ["It runs under the profile \(self.profile.rawValue): \(self.profile.summary)."]
        lines += self.limitLines
        lines.append(
            "It sees its release at \(JailLayout.release), programs and libraries of /usr read-only, and a private /tmp of "
                + "\(ByteSize.text(self.limits.diskTotalBytes)) that is lost when it ends; nothing can be executed there."
        )
        if self.binds.isEmpty {
            lines.append("It sees no other file or folder of this machine.")
        }
        for bind in self.binds {
            let place = bind.source == bind.target ? "" : " as \(bind.target)"
            lines.append("It may \(bind.isWritable ? "read and change" : "read") \(bind.source)\(place).")
        }
        lines.append("Its devices are \((JailLayout.devices + self.devices).joined(separator: ", ")).")
        lines.append("It has no network; it talks to others only through the agent.")
        lines.append(
            "It sees no process but its own, has no capability of the kernel, cannot gain rights through set-user-id "
                + "programs, and cannot see \(self.protected.all.joined(separator: ", ")).")
        return lines
    }

    private var limitLines: [String] {
        let limits = self.limits
        var lines = [
            "It may use \(ByteSize.text(limits.memoryMaximumBytes)) of memory and is ended when it needs more.",
            "It may have \(limits.subprocessMaximum) processes and threads, and \(limits.openFilesMaximum) open files in each.",
        ]
        if let soft = limits.memorySoftMaximumBytes {
            lines.append("Above \(ByteSize.text(soft)) its memory is taken back first when the machine runs short.")
        }
        if let percent = limits.cpuMaximumPercent {
            lines.append("It may use \(percent) % of one core's time.")
        }
        if let cores = limits.allowedCores {
            lines.append("It runs on the cores \(cores.map(String.init).joined(separator: ", ")) only.")
        }
        if let weight = limits.cpuWeight {
            lines.append("Its share of contended processors is \(weight), where 100 is usual.")
        }
        if let weight = limits.ioWeight {
            lines.append("Its share of contended disks is \(weight), where 100 is usual.")
        }
        return lines
    }
}
