// Node's own client: `http.Agent` and `https.Agent` with keep-alive, everything else as it comes.

import http from 'node:http';
import https from 'node:https';

import { run } from './driver.mjs';

await run(({ url, method, headers, body, sockets, ca }) => {
    const { Agent, request } = url.protocol === 'https:' ? https : http;
    const options = {
        agent: new Agent({ keepAlive: true, maxSockets: sockets, maxFreeSockets: sockets, ca }),
        host: url.hostname,
        port: url.port,
        path: url.pathname,
        method,
        headers: { host: url.host, ...headers },
    };
    return () =>
        new Promise((resolve, reject) => {
            const sent = request(options, (response) => {
                let bytes = 0;
                response.on('data', (chunk) => {
                    bytes += chunk.length;
                });
                response.on('end', () => {
                    if (response.statusCode === 200) {
                        resolve(bytes);
                    } else {
                        reject(new Error(`status ${response.statusCode}`));
                    }
                });
                response.on('error', reject); // the body was cut short
            });
            sent.removeHeader('connection'); // `keep-alive`, which HTTP/1.1 means anyway
            sent.on('error', reject);
            sent.end(body ?? undefined);
        });
});
