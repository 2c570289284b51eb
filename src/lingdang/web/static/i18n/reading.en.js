export default {
  "reading.library": "My books",
  "reading.none": "You have no books yet.",
  "reading.read": "Read",
  "reading.about": "About this book",
  "reading.reader": "Reading",
};
