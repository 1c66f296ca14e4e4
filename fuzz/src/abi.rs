//! Calls of the functions of the C ABI, as far as its description allows them: each pointer is what the library gave
//! out and still holds, or NULL; each size is that of the memory behind it.
//!
//! All arguments are integers or pointers, so that one type of function serves for all of them: on the platforms that
//! are fuzzed, each has a register or eight bytes of the stack to itself, and nobody minds those that are too many.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::LazyLock;

use crate::input::Input;
// Links the library, whose functions are called by name.
use saltyrtc as _;

include!(concat!(env!("OUT_DIR"), "/functions.rs"));

struct Function {
    name: &'static str,
    code: unsafe extern "C" fn(),
    returns: &'static str,
    parameters: &'static [Parameter],
}

struct Parameter {
    name: &'static str,
    role: &'static str,
    /// Its type, or the one that it points to.
    kind: &'static str,
    /// The parameter with the number of bytes or items, and with the room for them.
    length: Option<usize>,
    capacity: Option<usize>,
}

/// The most that a function has, with some to spare.
const PARAMETERS: usize = 12;
type Code = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> u64;

/// Handles of a kind at once, so that clients and servers do not pile up.
const HANDLES_AT_ONCE: usize = 3;
/// What is behind each memory that the library writes to.
const GUARD: [u8; 16] = [0xa5; 16];
const NUMBERS: [u64; 8] = [0, 1, 2, 64, 1000, 65_535, 1 << 31, u64::MAX];
/// Not called: it is for the end of a program, and takes 100 ms.
const NOT_CALLED: [&str; 1] = ["saltyrtc_shutdown"];

/// Texts for functions that want them. All addresses are of this host.
const TEXTS: [&CStr; 14] = [
    c"ws://127.0.0.1:1",
    c"wss://localhost:1",
    c"127.0.0.1",
    c"::1",
    c"stun:127.0.0.1:9",
    c"turn:127.0.0.1:9?transport=tcp",
    c"http://user:password@127.0.0.1:1",
    c"x.example",
    c"v1.x.example",
    c"",
    c"\xff",
    c"7777777777777777777777777777777777777777777777777777777777777777",
    c"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    c"saltyrtc://127.0.0.1:1/#x",
];

/// Memory for one argument.
enum Memory {
    /// Read by the library.
    In(Vec<u64>),
    /// Written by it: so many bytes, and the guard behind them.
    Out(Vec<u8>, usize),
}

impl Memory {
    fn read(bytes: &[u8]) -> Self {
        let mut words = vec![0_u64; bytes.len() / 8 + 1];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_ne_bytes(whole);
        }
        Self::In(words)
    }

    fn written(size: usize) -> Self {
        // In front of a guard, and aligned as the allocator does it for a size like this.
        let mut bytes = vec![0; size.max(64)];
        bytes.truncate(size);
        bytes.extend(GUARD);
        Self::Out(bytes, size)
    }

    fn address(&mut self) -> u64 {
        match self {
            Self::In(words) => words.as_mut_ptr() as u64,
            Self::Out(bytes, _) => bytes.as_mut_ptr() as u64,
        }
    }

    fn word(&self) -> u64 {
        match self {
            Self::Out(bytes, _) => {
                u64::from_ne_bytes(*bytes.first_chunk().expect("as large as a pointer"))
            }
            Self::In(_) => 0,
        }
    }
}

/// Everything that the library gave out.
pub struct Scene {
    mark: fn(&str),
    live: BTreeMap<&'static str, Vec<u64>>,
    texts: Vec<Vec<u8>>,
}

extern "C" fn on_event(_client: u64, _event: u64, _user_data: u64) {}
extern "C" fn on_log(_level: u64, _target: u64, _message: u64, _user_data: u64) {}
extern "C" fn on_send(_client: u64, _data: u64, _size: u64, _user_data: u64) {}
extern "C" fn on_close(_client: u64, _user_data: u64) {}
extern "C" fn on_free(_user_data: u64) {}

fn function(name: &str) -> &'static Function {
    FUNCTIONS.iter().find(|function| function.name == name).expect("there is one")
}

/// The function that a code stands for: the one whose name has the lowest score with it. So most inputs mean the same
/// after functions were added or removed.
fn chosen(code: u16) -> &'static Function {
    static CHOSEN: LazyLock<Vec<usize>> = LazyLock::new(|| {
        let hash = |name: &str| {
            let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            name.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
        };
        let hashes: Vec<u64> = FUNCTIONS.iter().map(|function| hash(function.name)).collect();
        let best = |code: u64| {
            let code = code.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let score = |hash: u64| (hash ^ code).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20;
            (0..hashes.len()).min_by_key(|at| score(hashes[*at])).expect("there are functions")
        };
        (0..=u64::from(u16::MAX)).map(best).collect()
    });
    &FUNCTIONS[CHOSEN[usize::from(code)]]
}

fn handle_kind(name: &str) -> Option<&'static str> {
    HANDLES.iter().find(|(kind, _)| *kind == name).map(|(kind, _)| *kind)
}

fn call(function: &Function, arguments: &[u64; PARAMETERS]) -> u64 {
    assert!(function.parameters.len() <= PARAMETERS);
    // Safety: the module says why the type fits; what the arguments point to was made for them by `Scene::call`.
    unsafe {
        let code = std::mem::transmute::<unsafe extern "C" fn(), Code>(function.code);
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *arguments;
        code(a, b, c, d, e, f, g, h, i, j, k, l)
    }
}

/// A text of the library, if there is one.
fn text(address: u64) -> Option<Vec<u8>> {
    // Safety: the library says that it ends with a NUL.
    (address != 0).then(|| unsafe { CStr::from_ptr(address as *const _) }.to_bytes().to_vec())
}

impl Scene {
    /// Nothing was called yet.
    pub fn new(mark: fn(&str)) -> Self {
        Self { mark, live: BTreeMap::new(), texts: Vec::new() }
    }

    /// One call, if that was in the input.
    pub fn act(&mut self, input: &mut Input<'_>) {
        let code = u16::from_be_bytes([input.byte(), input.byte()]);
        let (seed, data) = (input.byte(), input.bytes());
        let function = chosen(code);
        if !NOT_CALLED.contains(&function.name) {
            self.call(function, seed, data);
        }
    }

    fn handle(&self, kind: &str, choice: u8) -> u64 {
        let live = self.live.get(kind).map_or(&[][..], Vec::as_slice);
        let null = choice >= 250 || live.is_empty();
        if null { 0 } else { live[usize::from(choice) % live.len()] }
    }

    fn forget(&mut self, kind: &str, handle: u64) {
        if let Some(live) = self.live.get_mut(kind) {
            live.retain(|known| *known != handle);
        }
    }

    fn call(&mut self, function: &'static Function, seed: u8, data: &[u8]) {
        let mut input = Input::new(data);
        let mut memories: Vec<Option<Memory>> = Vec::new();
        let mut arguments = [0; PARAMETERS];
        let waits = ["next_event", "queue_read", "server_stop"];
        let waits = waits.iter().any(|part| function.name.contains(part));
        for (at, parameter) in function.parameters.iter().enumerate() {
            let choice = if at == 0 { seed } else { input.byte() };
            let mut memory = None;
            match parameter.role {
                "handle" => arguments[at] = self.handle(parameter.kind, choice),
                "in" => {
                    let number = NUMBERS.get(usize::from(choice)).copied().unwrap_or(choice.into());
                    let port = parameter.name == "port" || parameter.name.ends_with("deadline_ms");
                    let time = waits && parameter.name == "timeout_ms";
                    let boolean = parameter.kind == "bool";
                    arguments[at] = match (port, time || boolean) {
                        (true, _) => 0,
                        (false, true) => number & 1,
                        (false, false) => number,
                    };
                }
                "text" if choice < 250 => {
                    let known = TEXTS.len() + self.texts.len();
                    let chosen = usize::from(choice) % known;
                    let text = match chosen.checked_sub(TEXTS.len()) {
                        None => TEXTS[chosen].to_bytes_with_nul().to_vec(),
                        Some(own) => [&self.texts[own][..], &[0]].concat(),
                    };
                    memory = Some(Memory::read(&text));
                }
                "bytes" | "text_bytes" if choice < 250 => {
                    let bytes = input.bytes();
                    memory = Some(Memory::read(bytes));
                    if let Some(length) = parameter.length {
                        arguments[length] = bytes.len() as u64;
                    }
                }
                "array" if choice < 250 => {
                    let bytes = input.bytes();
                    memory = Some(Memory::read(bytes));
                    if let Some(length) = parameter.length {
                        arguments[length] = bytes.len() as u64 / 2;
                    }
                }
                "handles" => {
                    let all = self.live.remove(parameter.kind).unwrap_or_default();
                    if let Some(length) = parameter.length {
                        arguments[length] = all.len() as u64;
                    }
                    memory = Some(Memory::In(all));
                }
                "key" if choice < 250 => memory = Some(Memory::read(&[choice; 32])),
                "out_key" if choice < 250 => memory = Some(Memory::written(32)),
                "buffer" | "out_text" | "out_handles" => {
                    let items = usize::from(choice) * if choice >= 128 { 16 } else { 1 };
                    let size = if parameter.role == "out_handles" { items * 8 } else { items };
                    if choice > 0 {
                        memory = Some(Memory::written(size));
                    }
                    if let Some(capacity) = parameter.capacity {
                        arguments[capacity] = items as u64;
                    }
                }
                "out_length" | "out" | "out_handle" | "out_static_text" | "error"
                    if choice < 250 =>
                {
                    memory = Some(Memory::written(8));
                }
                "struct" | "out_struct" if choice < 250 => {
                    let size = STRUCTS.iter().find(|(name, _)| *name == parameter.kind);
                    // The size if it has one, and nothing else.
                    let mut words = vec![0; 64];
                    words[0] = size.map_or(0, |(_, size)| *size);
                    memory = Some(Memory::In(words));
                }
                "callback" if choice & 1 != 0 => {
                    arguments[at] = match parameter.kind {
                        "saltyrtc_event_callback" => on_event as *const () as u64,
                        "saltyrtc_log_callback" => on_log as *const () as u64,
                        "saltyrtc_transport_send" => on_send as *const () as u64,
                        _ => on_close as *const () as u64,
                    };
                }
                "user_data_free" if choice & 1 != 0 => arguments[at] = on_free as *const () as u64,
                _ => {}
            }
            if let Some(memory) = &mut memory {
                arguments[at] = memory.address();
            }
            memories.push(memory);
        }
        // What is freed is gone, and what it was given is NULL in the next calls.
        let frees = HANDLES.iter().find(|(_, free)| *free == function.name);
        if let Some((kind, _)) = frees {
            self.forget(kind, arguments[0]);
        }
        let result = call(function, &arguments);
        self.look_at(function, &memories, result);
    }

    /// What the call has led to.
    fn look_at(&mut self, function: &Function, memories: &[Option<Memory>], result: u64) {
        let name = function.name;
        let status = (function.returns == "saltyrtc_status").then_some(result as i32);
        if let Some(status) = status {
            assert!(STATUSES.contains(&status), "{name}: the status {status}");
        }
        if function.returns == "const char *" {
            text(result);
        }
        for (parameter, memory) in function.parameters.iter().zip(memories) {
            let Some(memory) = memory else { continue };
            if let Memory::Out(bytes, size) = memory {
                assert_eq!(bytes[*size..], GUARD, "{name}: written behind {}", parameter.name);
            }
            match parameter.role {
                "error" => check_error(name, status, memory.word()),
                "out_handle" => {
                    let handle = memory.word();
                    assert_eq!(handle != 0, status == Some(0), "{name}: {status:?}");
                    if let Some(kind) = handle_kind(parameter.kind).filter(|_| handle != 0) {
                        self.keep(kind, handle);
                    }
                }
                "out_handles" if status == Some(0) => {
                    let count = parameter.length.and_then(|at| memories[at].as_ref());
                    let count = count.map_or(0, Memory::word) as usize;
                    let Memory::Out(bytes, size) = memory else { continue };
                    let handles = bytes[..*size].chunks_exact(8).take(count);
                    let kind = handle_kind(parameter.kind).expect("a handle that is described");
                    for handle in handles {
                        let handle = u64::from_ne_bytes(handle.try_into().expect("eight bytes"));
                        assert_ne!(handle, 0, "{name}");
                        self.live.entry(kind).or_default().push(handle);
                    }
                }
                "out_text" if status == Some(0) => {
                    let Memory::Out(bytes, size) = memory else { continue };
                    let end = bytes[..*size].iter().position(|byte| *byte == 0);
                    let text = bytes[..end.expect("a NUL at the end")].to_vec();
                    assert!(std::str::from_utf8(&text).is_ok(), "{name}: text is UTF-8");
                    // Addresses and invitations serve for other calls.
                    if self.texts.len() < 8 && text.len() < 500 {
                        self.texts.push(text);
                    }
                }
                _ => {}
            }
        }
        if status == Some(0) && MARKED.contains(&name) {
            (self.mark)(name);
        }
    }

    /// Keeps a handle, and frees the oldest one if there are too many.
    fn keep(&mut self, kind: &'static str, handle: u64) {
        let live = self.live.entry(kind).or_default();
        live.push(handle);
        if live.len() > HANDLES_AT_ONCE {
            let oldest = live.remove(0);
            free(kind, oldest);
        }
        if kind == "saltyrtc_rtc_config" {
            // No packet leaves this host.
            let address = c"127.0.0.1".as_ptr() as u64;
            let mut arguments = [0; PARAMETERS];
            (arguments[0], arguments[1]) = (handle, address);
            call(function("saltyrtc_rtc_config_add_address"), &arguments);
        }
    }

    /// Everything is freed, in an order of the input's choice.
    pub fn end(mut self, order: u8) {
        let mut kinds: Vec<_> = std::mem::take(&mut self.live).into_iter().collect();
        let count = kinds.len().max(1);
        kinds.rotate_left(usize::from(order) % count);
        for (kind, handles) in kinds {
            handles.into_iter().for_each(|handle| free(kind, handle));
        }
    }
}

/// Calls whose success is to be reached.
pub const MARKED: [&str; 11] = [
    "saltyrtc_config_new_initiator",
    "saltyrtc_config_new_responder",
    "saltyrtc_config_add_relayed_data_task",
    "saltyrtc_config_add_rtc_task",
    "saltyrtc_client_new",
    "saltyrtc_client_new_on_queue",
    "saltyrtc_client_close",
    "saltyrtc_server_start",
    "saltyrtc_server_url",
    "saltyrtc_unchunker_add",
    "saltyrtc_chunker_next",
];

fn free(kind: &str, handle: u64) {
    let (_, name) = HANDLES.iter().find(|(known, _)| *known == kind).expect("what frees it");
    let mut arguments = [0; PARAMETERS];
    arguments[0] = handle;
    call(function(name), &arguments);
}

/// There is an error exactly if the status says so, and it is the same one.
fn check_error(name: &str, status: Option<i32>, error: u64) {
    assert_eq!(error != 0, status.is_some_and(|status| status != 0), "{name}: {status:?}");
    if error == 0 {
        return;
    }
    let mut arguments = [0; PARAMETERS];
    arguments[0] = error;
    let inside = call(function("saltyrtc_error_status"), &arguments) as i32;
    assert_eq!(Some(inside), status, "{name}");
    let message = text(call(function("saltyrtc_error_message"), &arguments));
    assert!(message.is_some_and(|message| !message.is_empty()), "{name}: an error without text");
    free("saltyrtc_error", error);
}
