/// Starts processes in jails.
package protocol Launcher: Sendable {
    /// Starts one process and returns when the worker's own program runs, that is after every layer of its jail is in
    /// place. Cancelling the task kills what was started.
    ///
    /// - Throws: ``LaunchError``; nothing of the attempt is left behind then.
    func launch(_ plan: LaunchPlan) async throws(LaunchError) -> LaunchedProcess
}
