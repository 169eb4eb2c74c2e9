internal import FTSLCore
internal import FTSLStore

extension StoreFailure {
    /// What a script sees.
    var ending: Ending {
        switch reason {
        case .missing: Ending(.noInput, text)
        case .moved: Ending(.unreachable, text, code: .moved)
        case .isFolder, .isSymbolicLink, .notOurs, .notADatabase, .tooNew, .readOnly, .locked,
            .folderMissing, .folderNotWritable, .tooWide, .notDurable:
            Ending(.cannotCreate, text)
        case .diskFull, .busy, .damaged, .inputOutput, .outOfMemory: Ending(.inputOutput, text)
        case .misuse: Ending(.internalError, text)
        }
    }

    /// The ending of whatever the store threw.
    static func ending(of error: any Error) -> Ending {
        if let failure = error as? StoreFailure { return failure.ending }
        if let ending = error as? Ending { return ending }
        if let failure = error as? Failure {
            return Ending(failure.code.exitStatus, failure.text, code: failure.code)
        }
        return Ending(.internalError, "\(error)")
    }
}
