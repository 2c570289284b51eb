export default {
  "reading.library": "我的书",
  "reading.none": "您还没有书。",
  "reading.read": "阅读",
  "reading.about": "书籍详情",
  "reading.reader": "阅读",
};
