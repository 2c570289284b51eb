// A platform's server that hears what happens in the shop: SECRET=whsec_… PORT=3000 node receiver.mjs
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

import { verifyWebhook } from "lingdang/webhooks";

const server = createServer(async (request, response) => {
  try {
    const events = await verifyWebhook(await buffer(request), request.headers, process.env.SECRET);
    for (const { id, type, custId, data } of events) console.log(id, type, custId, JSON.stringify(data)); // keep the ids
    response.writeHead(204).end();
  } catch (error) {
    response.writeHead(error.code === "invalid_webhook" ? 400 : 500).end(error.message);
  }
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
