// The one file that promises the compiler what it cannot check.
//
// `Locked` is a lock with the value that it protects: nobody reaches the value without holding the lock. (The `Mutex` of
// the standard library needs iOS 18 and macOS 15.)
//
// `Handle` is a pointer that the library gave out. Its header says that all functions can be called from any thread, also
// for the same handle at the same time, which for a pointer means `Sendable`. (Configurations are the exception: they stay
// in the function that makes them.)

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#endif

/// A value that is only reached with a lock held.
final class Locked<Value>: @unchecked Sendable {
    private var value: Value
    // Locks must not move in memory.
    private let lock: UnsafeMutablePointer<pthread_mutex_t>

    init(_ value: sending Value) {
        self.value = value
        lock = .allocate(capacity: 1)
        lock.initialize(to: pthread_mutex_t())
        pthread_mutex_init(lock, nil)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    /// Runs the body with the lock held. It must not wait for anything, nor call the program.
    @inline(__always)
    func withLock<Result>(_ body: (inout Value) throws -> sending Result) rethrows -> sending Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&value)
    }
}

/// A pointer of the library, which is freed when nobody uses it any more.
final class Handle: @unchecked Sendable {
    let pointer: OpaquePointer
    private let free: @Sendable (OpaquePointer?) -> Void

    init(_ pointer: OpaquePointer, free: @escaping @Sendable (OpaquePointer?) -> Void) {
        self.pointer = pointer
        self.free = free
    }

    deinit {
        free(pointer)
    }
}
