internal import ArgumentParser
internal import FTSLKit

enum UnmovableArgument: String, ExpressibleByArgument, CaseIterable, Sendable {
    case drain, refuse
}

enum ForwardMigrateArgument: String, ExpressibleByArgument, CaseIterable, Sendable {
    case drain, reconnect
}

/// What `listen` does about moves.
struct MigrationArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Label under which source and target of a migration match.", valueName: "label"))
    var service = "main"

    @Flag(help: "Let trusted peers migrate their sessions and inbox into this listener.")
    var acceptMigration = false

    @Option(
        help: ArgumentHelp(
            "In a migration, sessions that cannot move end here, or nothing moves.",
            valueName: "drain|refuse"))
    var unmovable = UnmovableArgument.drain

    @Option(
        help: ArgumentHelp(
            "In a migration, sessions of --forward end here, or move and get a new connection.",
            valueName: "drain|reconnect"))
    var forwardMigrate = ForwardMigrateArgument.drain

    mutating func validate() throws {
        if !ControlFolder.isName(service) {
            throw ValidationError("--service: a label has \(ControlName.rule)")
        }
    }
}
