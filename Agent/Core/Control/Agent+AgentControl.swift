import ControlAPI

/// The control surface reaches the agent through this alone.
extension Agent: AgentControl {}
