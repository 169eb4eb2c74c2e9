/// Why a store cannot be opened or used.
package struct StoreFailure: Error {
    package var text: String
}
