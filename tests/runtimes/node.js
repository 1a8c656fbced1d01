// What node.exe and its Linux twin must say alike; nothing of the system is in the output.
const fs = require('fs');
const zlib = require('zlib');
const crypto = require('crypto');
const path = require('path');
const { Worker, isMainThread, parentPort, workerData, threadId } = require('worker_threads');

function work(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum = (sum + i * i) | 0;
  return sum;
}

async function files() {
  fs.mkdirSync('d/e', { recursive: true });
  fs.writeFileSync('d/e/a.txt', 'x'.repeat(100000));
  await fs.promises.writeFile('d/b.txt', 'bytes\n');
  await fs.promises.appendFile('d/b.txt', 'more\n');
  console.log('read', fs.readFileSync('d/b.txt', 'utf8').split('\n'));
  fs.renameSync('d/b.txt', 'd/c.txt');
  fs.copyFileSync('d/c.txt', 'd/f.txt');
  const names = fs.readdirSync('d', { recursive: true }).map((name) => name.replaceAll('\\', '/'));
  console.log('names', names.sort());
  const stat = fs.statSync('d/e/a.txt', { bigint: true });
  console.log('stat', stat.size, stat.isFile(), stat.isDirectory());
  const file = await fs.promises.open('d/f.txt', 'r+');
  await file.write('B', 0);
  await file.truncate(5);
  await file.close();
  console.log('truncated', fs.readFileSync('d/f.txt', 'utf8'));
  try { fs.readFileSync('d/none'); } catch (error) { console.log('error', error.code); }
  try { fs.rmdirSync('d'); } catch (error) { console.log('error', error.code); }
  let bytes = 0;
  for await (const chunk of fs.createReadStream('d/e/a.txt', { highWaterMark: 3000 })) bytes += chunk.length;
  console.log('streamed', bytes);
  const seen = new Promise((resolve) => {
    const watcher = fs.watch('d', (event, name) => { watcher.close(); resolve(name); });
  });
  fs.writeFileSync('d/watched', '');
  console.log('watched', await seen);
  fs.rmSync('d', { recursive: true });
  console.log('gone', !fs.existsSync('d'));
}

async function packing() {
  const text = Buffer.from(Array.from({ length: 20000 }, (_, i) => `line ${i % 97}\n`).join(''));
  const gz = zlib.gzipSync(text, { level: 9 });
  console.log('gzip', zlib.gunzipSync(gz).equals(text), gz.length < text.length / 10);
  console.log('brotli', zlib.brotliDecompressSync(zlib.brotliCompressSync(text)).equals(text));
  const deflated = await new Promise((resolve, reject) => zlib.deflate(text, (e, b) => (e ? reject(e) : resolve(b))));
  console.log('deflate', crypto.createHash('sha256').update(zlib.inflateSync(deflated)).digest('hex'));
}

async function secrets() {
  console.log('hash', crypto.createHash('sha512').update('abc').digest('hex'));
  console.log('hmac', crypto.createHmac('sha256', 'key').update('abc').digest('hex'));
  console.log('pbkdf2', crypto.pbkdf2Sync('password', 'salt', 1000, 32, 'sha256').toString('hex'));
  const scrypt = await new Promise((resolve, reject) => crypto.scrypt('p', 's', 32, (e, k) => (e ? reject(e) : resolve(k))));
  console.log('scrypt', scrypt.toString('hex'));
  const cipher = crypto.createCipheriv('aes-256-gcm', Buffer.alloc(32, 1), Buffer.alloc(12, 2));
  console.log('gcm', cipher.update('plain', 'utf8', 'hex') + cipher.final('hex'), cipher.getAuthTag().toString('hex'));
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signature = crypto.sign('sha256', Buffer.from('message'), privateKey);
  console.log('signed', crypto.verify('sha256', Buffer.from('message'), publicKey, signature));
  console.log('random', crypto.randomBytes(32).equals(crypto.randomBytes(32)));
}

async function threads() {
  const one = (n) => new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: n });
    worker.on('message', resolve);
    worker.on('error', reject);
  });
  console.log('workers', await Promise.all([1000, 200000, 3000000, 5].map(one)));
  const shared = new Int32Array(new SharedArrayBuffer(4));
  console.log('atomics', Atomics.wait(shared, 0, 0, 10), Atomics.add(shared, 0, 5), Atomics.load(shared, 0));
}

async function engine() {
  console.log('hot', work(50000000));
  const module = new WebAssembly.Module(new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0,
    10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]));
  console.log('wasm', new WebAssembly.Instance(module).exports.add(40, 2));
  let depth = 0;
  const down = () => { depth++; down(); };
  try { down(); } catch (error) { console.log('stack', error instanceof RangeError, depth > 1000); }
  const lists = [];
  for (let i = 0; i < 300; i++) lists[i % 20] = new Array(50000).fill(i);
  console.log('heap', lists.length, new Intl.NumberFormat('de-DE').format(1234567.891));
  console.log('time', new Date(Date.UTC(2024, 1, 29)).toISOString(), performance.now() > 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  console.log('module', path.basename(__filename), require('os').EOL.length > 0);
}

async function children() {
  const { execFileSync, spawn, fork } = require('child_process');
  console.log('child', execFileSync(process.execPath, ['-p', '6 * 7'], { encoding: 'utf8' }).trim());
  try { execFileSync(process.execPath, ['-e', 'process.exit(9)']); } catch (error) { console.log('status', error.status); }
  const upper = spawn(process.execPath, ['-e', `
    let text = '';
    process.stdin.on('data', (data) => { text += data; });
    process.stdin.on('end', () => { process.stdout.write(text.toUpperCase()); console.error('done'); });`]);
  const said = { out: '', err: '' };
  upper.stdout.on('data', (data) => { said.out += data; });
  upper.stderr.on('data', (data) => { said.err += data; });
  upper.stdin.end('through a pipe, '.repeat(5000));
  const code = await new Promise((resolve) => upper.on('close', resolve));
  console.log('piped', code, said.err.trim(), crypto.createHash('sha1').update(said.out).digest('hex'));
  const forked = fork(__filename, ['forked']);
  const answer = new Promise((resolve) => forked.on('message', resolve));
  forked.send({ numbers: [1, 2, 3] });
  console.log('forked', await answer, await new Promise((resolve) => forked.on('exit', resolve)));
}

if (process.argv[2] === 'forked') {
  process.on('message', (message) => {
    process.send(message.numbers.map((number) => number * 2), () => process.disconnect());
  });
} else if (isMainThread) {
  (async () => { for (const part of [files, packing, secrets, threads, engine, children]) await part(); })();
} else {
  parentPort.postMessage(`${threadId > 0} ${work(workerData)}`);
}
