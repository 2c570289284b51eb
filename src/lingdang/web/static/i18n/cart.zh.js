export default {
  "cart.title": "购物车",
  "cart.all": "全选",
  "cart.ofThem": "已选 {ticked} / {count}",
  "cart.tick": "选择《{title}》",
  "cart.owned": "您已拥有这本书，不会再收费。",
  "cart.read": "去阅读",
  "cart.gone": "已停售",
  "cart.remove": "移除",
  "cart.empty": "购物车还是空的。",
  "cart.checkOut": "去结算",
  "cart.checkingOut": "正在报价…",
};
