/// What a session knows of one stream. For the receive side this always holds:
/// `receiveWindow = receiveCredit + unconsumed + (what was consumed and not granted again)`.
struct YamuxStream: Sendable {
    /// How far our half of the stream has come.
    enum Sending { case open, finishing, finished }

    /// The number on the wire; zero means that the place in the table is free.
    var number: UInt32 = 0
    var serial: UInt32 = 0
    var isOpenedByPeer = false

    var sending = Sending.open
    var sendQueue = ByteQueue()
    /// Bytes that the peer still takes.
    var sendCredit = YamuxConfiguration.initialWindowBytes
    /// The frame that opens (ours) or accepts (theirs) the stream was sent.
    var isIntroduced = false
    /// The peer accepted the stream (ours), or we did (theirs).
    var isAccepted = false
    /// A place in the queue of streams that have something to send is taken.
    var isQueued = false
    /// The application was told to wait before it writes more.
    var isWriterWaiting = false

    var receiveWindow = YamuxConfiguration.initialWindowBytes
    /// Bytes that the peer may still send.
    var receiveCredit = YamuxConfiguration.initialWindowBytes
    /// Bytes handed out that the application has not consumed.
    var unconsumed = 0
    var isGrantDue = false
    /// When the last grant was made, or the first byte came; nil before that.
    var lastGrantMilliseconds: UInt64?
    var isPeerFinished = false

    /// Bytes that the application consumed and the peer was not told of.
    var grant: Int { self.receiveWindow - self.receiveCredit - self.unconsumed }

    /// The next frame of the stream can be made now.
    var canSend: Bool {
        let hasSpace = self.sendCredit > 0 && !self.sendQueue.isEmpty
        let mayFinish = self.sending == .finishing && self.sendQueue.isEmpty
        return hasSpace || mayFinish || self.isGrantDue
            || (!self.isIntroduced && (!self.isOpenedByPeer || self.isAccepted))
    }
}

/// The streams of a session, found by place and serial (calls of the application) or by number (frames of the peer).
struct YamuxTable: Sendable {
    private var streams: [YamuxStream] = []
    private var freePlaces: [Int] = []
    private var places: [UInt32: Int] = [:]

    /// The number of streams.
    var count: Int { self.places.count }

    /// The place of a stream of that name; nil when it is over.
    func place(of id: StreamID) -> Int? {
        let place = Int(id.slot)
        guard place < self.streams.count, self.streams[place].serial == id.serial, self.streams[place].number != 0
        else {
            return nil
        }
        return place
    }

    /// The place of the stream with that number on the wire.
    func place(ofNumber number: UInt32) -> Int? { self.places[number] }

    /// The name of the stream at a place.
    func id(at place: Int) -> StreamID { StreamID(slot: UInt32(place), serial: self.streams[place].serial) }

    subscript(place: Int) -> YamuxStream {
        get { self.streams[place] }
        _modify { yield &self.streams[place] }
    }

    /// Takes a place for a stream whose number is not in the table.
    mutating func insert(number: UInt32, isOpenedByPeer: Bool) -> Int {
        precondition(number != 0 && self.places[number] == nil, "a stream has a number of its own")
        let place: Int
        if let free = self.freePlaces.popLast() {
            place = free
        } else {
            place = self.streams.count
            self.streams.append(YamuxStream())
        }
        let serial = self.streams[place].serial
        self.streams[place] = YamuxStream(number: number, serial: serial, isOpenedByPeer: isOpenedByPeer)
        self.places[number] = place
        return place
    }

    /// Frees a place. The name of the stream that had it is never valid again.
    mutating func remove(at place: Int) {
        self.places[self.streams[place].number] = nil
        self.streams[place] = YamuxStream(serial: self.streams[place].serial &+ 1)
        self.freePlaces.append(place)
    }
}
