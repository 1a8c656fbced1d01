// What node.exe and its Linux twin must say alike of sockets on loopback addresses; nothing of the system is in the output.
const http = require('http');
const net = require('net');
const dgram = require('dgram');
const dns = require('dns');
const os = require('os');
const crypto = require('crypto');
const { fork } = require('child_process');
const { once } = require('events');

const hash = (data) => crypto.createHash('sha256').update(data).digest('hex');

async function listen(server, host = '127.0.0.1') {
  server.listen(0, host);
  await once(server, 'listening');
  return server.address().port;
}

async function pages() {
  const big = Buffer.alloc(3_000_000, 'portcullis ');
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      if (request.url === '/big') return response.end(big);
      if (request.url === '/slow') return setTimeout(() => response.end('slow'), 50);
      response.setHeader('X-Seen', request.method);
      response.statusCode = request.url === '/missing' ? 404 : 200;
      response.end(hash(Buffer.concat(parts)));
    });
  });
  const port = await listen(server);
  const base = `http://127.0.0.1:${port}`;
  const ask = async (path, options) => {
    const answer = await fetch(base + path, options);
    return [answer.status, answer.headers.get('x-seen'), await answer.text()];
  };
  console.log('get', await ask('/'));
  console.log('post', await ask('/', { method: 'POST', body: big }));
  console.log('missing', (await ask('/missing'))[0]);
  console.log('big', hash(Buffer.from(await (await fetch(base + '/big')).arrayBuffer())));
  const many = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(i % 10 ? '/' : '/slow')));
  console.log('many', many.filter(([status]) => status === 200).length);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  let seen = new Set();
  for (let i = 0; i < 20; i++) {
    const request = http.get({ port, host: '127.0.0.1', path: '/', agent });
    const [response] = await once(request, 'response');
    seen.add(response.socket.localPort);
    response.resume();
    await once(response, 'end');
  }
  console.log('kept alive', seen.size);
  agent.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  const [error] = await once(http.get(base, { agent: false }).on('error', () => {}), 'error').catch((error) => [error]);
  console.log('closed', error.code);
}

async function streams() {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const parts = [];
    socket.on('data', (part) => parts.push(part));
    socket.on('end', () => socket.end(hash(Buffer.concat(parts))));
  });
  const port = await listen(server);
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  console.log('connected', socket.remoteAddress, socket.remotePort === port, socket.remoteFamily);
  const sent = Buffer.alloc(5_000_000, 'half closed ');
  socket.setNoDelay(true).setKeepAlive(true, 1000);
  socket.end(sent);
  let answer = '';
  for await (const part of socket) answer += part;
  console.log('half closed', answer === hash(sent));
  const taken = net.createServer();
  taken.listen(port, '127.0.0.1');
  console.log('taken', (await once(taken, 'error').catch((error) => [error]))[0].code);
  server.close();
  await once(server, 'close');
  const silent = net.createServer((client) => client.resetAndDestroy());
  const lost = net.connect(await listen(silent), '127.0.0.1');
  lost.on('connect', () => lost.write('x'));
  console.log('reset', (await new Promise((resolve) => lost.on('error', resolve))).code);
  silent.close();
}

async function datagrams() {
  const server = dgram.createSocket('udp4');
  server.on('message', (message, from) => server.send(message.toString().toUpperCase(), from.port, from.address));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const client = dgram.createSocket('udp4');
  client.send('datagram', server.address().port, '127.0.0.1');
  const [message, from] = await once(client, 'message');
  console.log('datagram', message.toString(), from.port === server.address().port);
  client.close();
  server.close();
}

async function names() {
  console.log('numeric', await dns.promises.lookup('127.0.0.1'), net.isIPv6('::1'));
  console.log('localhost', (await dns.promises.lookup('localhost', { all: true })).some((one) => one.address === '127.0.0.1'));
  try { await dns.promises.lookup('host.invalid'); } catch (error) { console.log('nobody', error.code); }
  const all = Object.values(os.networkInterfaces()).flat();
  console.log('interfaces', all.some((one) => one.internal && one.cidr === '127.0.0.1/8'));
}

async function children() {
  const child = fork(__filename, ['server']);
  const [port] = await once(child, 'message');
  console.log('of a child', await (await fetch(`http://127.0.0.1:${port}/child`)).text());
  child.send('end');
  console.log('ended', (await once(child, 'exit'))[0]);
}

if (process.argv[2] === 'server') {
  const server = http.createServer((request, response) => response.end(`child ${request.url}`));
  listen(server).then((port) => process.send(port));
  process.on('message', () => process.exit(7));
} else {
  (async () => { for (const part of [pages, streams, datagrams, names, children]) await part(); process.exit(0); })();
}
