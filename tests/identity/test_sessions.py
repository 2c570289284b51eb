"""Sessions over HTTP: opened, shown, ended."""

from support.people import login
from support.shop import Shop


async def test_opened(shop: Shop) -> None:
    ann = await login(shop)
    answer = await ann.get("/v1/sessions/current")
    assert answer.status_code == 200, answer.text
    print(answer.text)
    for _ in range(2):
        answer = await shop.http.delete("/v1/sessions/current", headers=ann.headers)
        print(answer.status_code, answer.text)
    print((await ann.get("/v1/cart")).text)
    print(shop.sql("select * from login_attempt"), shop.sql("select * from password_session"))
