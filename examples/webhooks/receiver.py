"""A platform's server that hears what happens in the shop: SECRET=whsec_… uvicorn receiver:app"""

import os

from fastapi import FastAPI, Request, Response
from lingdang_client import InvalidWebhook, verify_webhook

app = FastAPI()


@app.post("/lingdang")
async def receive(request: Request) -> Response:
    try:
        events = verify_webhook(await request.body(), request.headers, os.environ["SECRET"])
    except InvalidWebhook as error:
        return Response(str(error), status_code=400)
    for event in events:  # the same one may come again: keep the ids that you have dealt with
        print(event.id, event.type, event.cust_id, event.data, flush=True)
    return Response(status_code=204)
