internal import ControlAPI

/// The text of `/metrics`, as OpenMetrics 1.0 has it. It holds totals only, so that it names no private worker.
enum OpenMetrics {
    static func text(_ counters: AgentCounters) -> String {
        var text = ""
        func add(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: UInt64)]) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            let suffix = type == "counter" ? "_total" : ""
            for sample in samples { text += "\(name)\(suffix)\(sample.labels) \(sample.value)\n" }
        }
        func outcomes(_ all: UInt64, _ failed: UInt64) -> [(labels: String, value: UInt64)] {
            [("{outcome=\"ok\"}", all >= failed ? all - failed : 0), ("{outcome=\"failed\"}", failed)]
        }
        add("dsmp_uptime_seconds", "gauge", "Seconds since the agent started.", [("", counters.uptimeSeconds)])
        add("dsmp_peers", "gauge", "Connected peers.", [("", UInt64(max(0, counters.connectedPeers)))])
        add("dsmp_workers", "gauge", "Workers that run here.", [("", UInt64(max(0, counters.runningWorkers)))])
        add(
            "dsmp_calls_served", "counter", "Calls answered by workers here.",
            outcomes(counters.callsServed, counters.callsServedFailed))
        add(
            "dsmp_calls_made", "counter", "Calls made through this agent.",
            outcomes(counters.callsMade, counters.callsMadeFailed))
        add(
            "dsmp_worker_restarts", "counter", "Workers started again after they ended.",
            [("", counters.workerRestarts)])
        return text + "# EOF\n"
    }
}
