// One SaltyRTC session of the JavaScript client, driven by commands and reporting events.
//
// This is a classic script that runs unchanged in Node and in a page, after the distribution files
// of tweetnacl, msgpack-lite, the client and the relayed-data task. It defines one global,
// `interopPeer(emit)`, which returns the function that runs a command. README.md lists the commands
// and events.
'use strict';

globalThis.interopPeer = (emit) => {
  const RELAYED_DATA = saltyrtcTaskRelayedData.RelayedDataTask;

  // --- MessagePack values as JSON that keeps their types ---

  const fromHex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
  const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

  const floatToHex = (value) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    return toHex(new Uint8Array(view.buffer));
  };

  // JavaScript has one type of number, and msgpack-lite does not say what was on the wire: a number
  // that is an integer is reported as one.
  const describe = (value) => {
    if (value === null) return { t: 'nil' };
    if (value instanceof ArrayBuffer) return { t: 'bin', v: toHex(new Uint8Array(value)) };
    if (Array.isArray(value)) return { t: 'array', v: value.map(describe) };
    switch (typeof value) {
      case 'boolean': return { t: 'bool', v: value };
      case 'string': return { t: 'str', v: value };
      case 'number':
        return Number.isInteger(value) && !Object.is(value, -0)
          ? { t: 'int', v: BigInt(value).toString() }
          : { t: 'float', v: floatToHex(value) };
      case 'object':
        if (Object.getPrototypeOf(value) === Object.prototype) {
          return { t: 'map', v: Object.entries(value).map(([key, item]) => [key, describe(item)]) };
        }
    }
    return { t: 'unknown', v: Object.prototype.toString.call(value) };
  };

  // msgpack-lite writes 64-bit integers only from objects that its own decoder makes.
  const wideInteger = (value) => {
    const bytes = new DataView(new ArrayBuffer(9));
    if (value < 0n) {
      bytes.setUint8(0, 0xd3);
      bytes.setBigInt64(1, value);
    } else {
      bytes.setUint8(0, 0xcf);
      bytes.setBigUint64(1, value);
    }
    return msgpack.decode(new Uint8Array(bytes.buffer), { codec: msgpack.createCodec({ int64: true }) });
  };

  const build = (typed) => {
    switch (typed.t) {
      case 'nil': return null;
      case 'bool': return typed.v;
      case 'int': {
        const number = Number(typed.v);
        if (BigInt(number) !== BigInt(typed.v)) throw new Error(`${typed.v} is no JavaScript number, use int64`);
        return number;
      }
      case 'int64': return wideInteger(BigInt(typed.v));
      case 'float': return new DataView(fromHex(typed.v).buffer).getFloat64(0);
      case 'str': return typed.v;
      case 'bin': return fromHex(typed.v).buffer;
      case 'array': return typed.v.map(build);
      case 'map': return Object.fromEntries(typed.v.map(([key, item]) => [key, build(item)]));
      default: throw new Error(`unknown type of value: ${typed.t}`);
    }
  };

  // --- Tasks ---

  // A task that only has a name, to negotiate with.
  const namedTask = (name) => ({
    init() {},
    onPeerHandshakeDone() {},
    onTaskMessage(message) { emit({ event: 'task-message', type: message.type }); },
    sendSignalingMessage() { throw new Error('this task has no handover'); },
    getName: () => name,
    getSupportedMessageTypes: () => [],
    getData: () => ({}),
    close(reason) { emit({ event: 'task-close', reason }); },
  });

  const relayedDataTask = () => {
    const task = new RELAYED_DATA();
    task.on(RELAYED_DATA.EVENT_DATA, ({ data }) => { emit({ event: 'data', value: describe(data) }); });
    // The reason of a received `close` message reaches the task and nobody else.
    const close = task.close.bind(task);
    task.close = (reason) => {
      emit({ event: 'task-close', reason });
      close(reason);
    };
    return task;
  };

  const taskNamed = (name) => (name === RELAYED_DATA.PROTOCOL_NAME ? relayedDataTask() : namedTask(name));

  // --- The session ---

  let client = null;

  const observe = (job) => {
    client.on('state-change', ({ data: state }) => {
      emit({ event: 'state', state });
      if (state === 'task') {
        emit({ event: 'task', name: client.getTask().getName(), peerKey: client.peerPermanentKeyHex });
        for (const action of job.actions ?? []) run(action);
      }
    });
    client.on('new-responder', ({ data: id }) => { emit({ event: 'new-responder', id }); });
    client.on('peer-disconnected', ({ data: id }) => { emit({ event: 'peer-disconnected', id }); });
    client.on('signaling-connection-lost', ({ data: id }) => { emit({ event: 'send-error', id }); });
    client.on('no-shared-task', ({ data }) => { emit({ event: 'no-shared-task', ...data }); });
    client.on('connection-error', () => { emit({ event: 'connection-error' }); });
    client.on('connection-closed', ({ data: code }) => { emit({ event: 'connection-closed', code }); });
    client.on('application', ({ data }) => { emit({ event: 'application', value: describe(data) }); });
    client.on('handover', () => { emit({ event: 'handover' }); });
  };

  const create = (job) => {
    // An earlier session of this process reports nothing any more.
    client?.off();
    const builder = new saltyrtcClient.SaltyRTCBuilder()
      .connectTo(job.host, job.port)
      .withKeyStore(new saltyrtcClient.KeyStore(job.secretKey ?? undefined))
      .withLoggingLevel(job.logLevel ?? 'none')
      .usingTasks(job.tasks.map(taskNamed));
    if (job.serverKey != null) builder.withServerKey(job.serverKey);
    if (job.pingInterval != null) builder.withPingInterval(job.pingInterval);
    if (job.trustedKey != null) builder.withTrustedPeerKey(job.trustedKey);
    if (job.role === 'initiator') {
      client = builder.asInitiator();
    } else {
      if (job.trustedKey == null) builder.initiatorInfo(job.initiatorKey, job.token);
      client = builder.asResponder();
    }
    observe(job);
    emit({ event: 'created', publicKey: client.permanentKeyHex, token: client.authTokenHex });
  };

  const commands = {
    create: ({ job }) => create(job),
    connect: () => client.connect(),
    'send-data': ({ value }) => client.getTask().sendMessage(build(value)),
    'send-application': ({ value }) => client.sendApplicationMessage(build(value)),
    disconnect: () => client.disconnect(),
  };

  function run(command) {
    try {
      if (!Object.hasOwn(commands, command.command)) throw new Error('unknown command');
      commands[command.command](command);
    } catch (error) {
      emit({ event: 'failed', command: command.command, message: String(error) });
    }
  }

  return run;
};
