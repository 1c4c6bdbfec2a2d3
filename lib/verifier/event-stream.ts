const END = /\r?\n\r?\n/;

/**
 * The data of each server-sent event (HTML section 9.2.6) of an answer.
 * @param most characters that one event may have
 * @throws when it has more
 */
export async function* eventsOf(body: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = END.exec(text); end; end = END.exec(text)) {
      const data = dataOf(text.slice(0, end.index));
      text = text.slice(end.index + end[0].length);
      if (data !== '') yield data;
    }
    if (text.length > most) throw new Error(`The issuer sent an event of more than ${most} characters.`);
  }
}

function dataOf(event: string): string {
  const lines = event.split(/\r?\n/).filter((line) => line.startsWith('data:'));
  return lines.map((line) => line.slice('data:'.length).trim()).join('\n');
}
