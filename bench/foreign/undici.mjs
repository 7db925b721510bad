// undici: a `Pool` with one request at a time on a connection, everything else as it comes.
//
// `pool.request` is what its documentation leads with. The body is read by 'data' events: on this work that
// is a little cheaper than `for await`, and than `bytes()` and `arrayBuffer()`, which gather what nobody wants
// here. Below `request` there is `dispatch`, with handlers of its own and no response to hold: a little
// cheaper again on small requests, and not what a program is written with.

import { Pool } from 'undici';

import { run } from './driver.mjs';

await run(({ url, method, headers, body, sockets, ca }) => {
    const pool = new Pool(url.origin, { connections: sockets, pipelining: 1, connect: { ca } });
    const options = { path: url.pathname, method, headers, body };
    return async () => {
        const { statusCode, body: received } = await pool.request(options);
        const bytes = await count(received);
        if (statusCode !== 200) {
            throw new Error(`status ${statusCode}`);
        }
        return bytes;
    };
});

function count(received) {
    return new Promise((resolve, reject) => {
        let bytes = 0;
        received.on('data', (chunk) => {
            bytes += chunk.length;
        });
        received.on('end', () => resolve(bytes));
        received.on('error', reject); // the body was cut short
    });
}
