export default {
  "cart.title": "Cart",
  "cart.all": "All",
  "cart.ofThem": "{ticked} of {count} chosen",
  "cart.tick": "Choose {title}",
  "cart.owned": "This book is yours already; it is not charged again.",
  "cart.read": "Read it",
  "cart.gone": "No longer on sale",
  "cart.remove": "Remove",
  "cart.empty": "Your cart is empty.",
  "cart.checkOut": "Check out",
  "cart.checkingOut": "Pricing…",
};
