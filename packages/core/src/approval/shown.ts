/**
 * Text of somebody outside as a person may be shown it: marks that move a cursor, turn the reading direction or take no
 * room become visible escapes (`\u202e`), so that what is read is what is there. Line breaks and tabs stay.
 */
export function shownText(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Co}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu, (mark) => {
    if (mark === "\n" || mark === "\t") return mark;
    const point = mark.codePointAt(0) ?? 0;
    return point > 0xffff ? `\\u{${point.toString(16)}}` : `\\u${point.toString(16).padStart(4, "0")}`;
  });
}
