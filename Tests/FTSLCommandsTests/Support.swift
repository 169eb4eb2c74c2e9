@testable import FTSLCommands

/// Swift Testing has an `ExitStatus` too.
typealias Status = FTSLCommands.ExitStatus
