import { randomUUID } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { User } from '../users/user.entity.js';
import { Note } from './note.entity.js';

/** Most notes that one answer shows, newest first. */
const PAGE = 100;

/** Everybody's own notes. */
@Injectable()
export class NotesService {
  /** By the id of the user: of this process alone, where several would need a broker. */
  private readonly added = new EventEmitter().setMaxListeners(0);

  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  list({ id: userId }: User): Promise<Note[]> {
    const order = { createdAt: 'DESC', id: 'DESC' } as const;
    return this.notes.find({ where: { userId }, order, take: PAGE });
  }

  async add({ id: userId }: User, text: string): Promise<Note> {
    const note = { id: randomUUID(), userId, text, createdAt: Date.now() };
    await this.notes.insert(note);
    this.added.emit(userId, note);
    return note;
  }

  /** The notes that a user adds from now on, each in an array of its own. */
  addedBy({ id }: User): AsyncIterable<[Note]> {
    return on(this.added, id) as AsyncIterable<[Note]>;
  }
}
