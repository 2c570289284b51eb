"""A platform's FastAPI application beside Lingdang: it credits bells that were sold, and keeps texts for their owners.

SHOP_URL=http://127.0.0.1:8080 SHOP_KEY=ld_… uvicorn app:app
"""

import os
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from fastapi import FastAPI, HTTPException, Request

shop = httpx.AsyncClient(base_url=os.environ["SHOP_URL"])
key = {"Authorization": f"Bearer {os.environ['SHOP_KEY']}"}
app = FastAPI()


class Sale(BaseModel):
    """What your payment provider has confirmed."""

    payment_id: str
    bells: int


@app.post("/customers/{cust_id}/bells")
async def sold(cust_id: str, sale: Sale) -> dict[str, int]:
    """Credit bells. Sent again with the same creditId, it is booked once."""
    answer = await shop.post(
        f"/v1/admin/wallets/{quote(cust_id, safe='')}/credits",
        headers=key,
        json={
            "creditId": sale.payment_id,
            "amount": sale.bells,
            "kind": "paid",
            "reason": "Bought at the counter",
            "createCustomer": True,
        },
    )
    refuse(answer)
    return {"balance": answer.json()["balance"]}


@app.get("/texts/{product_id}")
async def text(product_id: str, request: Request) -> str:
    """A text for whoever owns it: the customer's own headers are asked about."""
    asked = {name: request.headers.get(name, "") for name in ("authorization", "x-cust-id")}
    refuse(await shop.get("/v1/access", params={"productId": product_id}, headers=asked))
    return f"The text of {product_id}"


def refuse(answer: httpx.Response) -> None:
    """Hand a refusal on: go by its code, show its detail."""
    if answer.is_error:
        problem = answer.json()
        raise HTTPException(answer.status_code, {"code": problem["code"], "detail": problem["detail"]})
